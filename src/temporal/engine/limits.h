// The limits of a real Temporal server (1.29, its defaults), which the engine enforces alike: a workflow that runs here
// runs there. What exceeds one is refused with the words and the code of the real server, or ends the run as it does there.
//
//   a payload that a client sends (start, signal, query)   INVALID_ARGUMENT "Blob data size exceeds limit."
//   a payload in a command of a workflow task              the task fails, and the run is terminated
//   an activity's result, details of its heartbeat or      the activity fails with a server failure that may not be
//   cancellation, its failure                              retried
//   a history, or a run's state                            the run is terminated by the server
#pragma once

#include <temporal/api/common/v1/message.pb.h>
#include <temporal/api/failure/v1/message.pb.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace reliant::temporal::engine {

namespace api = ::temporal::api;

inline constexpr std::size_t kBlobLimit = 2u << 20;      // bytes: input, result, details, memo
inline constexpr std::size_t kBlobWarning = 512u << 10;  // above it is logged
inline constexpr std::size_t kSearchAttributesLimit = 40u << 10;
inline constexpr std::size_t kIdLimit = 1000;         // bytes: ids, names of types, queues and signals
inline constexpr int kPendingLimit = 2000;            // activities, children, signals and cancellations of a run
inline constexpr std::int64_t kSignalLimit = 10'000;  // signals that one run receives
inline constexpr int kBufferedEventsLimit = 100;      // while a workflow task is started
inline constexpr std::size_t kBufferedBytesLimit = 2u << 20;
inline constexpr std::int64_t kHistoryEventsLimit = 51'200;
inline constexpr std::int64_t kHistoryBytesLimit = 50ll << 20;
inline constexpr std::size_t kStateBytesLimit = 8u << 20;

inline constexpr std::string_view kBlobTooLarge = "Blob data size exceeds limit.";

bool is_too_large(const google::protobuf::MessageLite& blob);
Status check_blob(const google::protobuf::MessageLite& blob);
Status check_memo(const api::common::v1::Memo& memo);
Status check_search_attributes(const api::common::v1::SearchAttributes& attributes);
// "`name` length exceeds limit."
Status check_length(std::string_view name, std::string_view value);

// What becomes of an activity whose answer is too large.
api::failure::v1::Failure size_failure(std::string_view message);
// `failure`, or what stands for it when it is too large: its beginning is the cause then.
api::failure::v1::Failure bounded_failure(api::failure::v1::Failure failure);

}  // namespace reliant::temporal::engine

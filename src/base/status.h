// Status and Result<T>: how every expected outcome travels. Canonical codes (google.rpc.Code), so that they map one
// to one to gRPC, Connect and HTTP. Exceptions never cross a folder: adapters catch those of libraries at the edge.
//
// A status may carry two annotations for the people and programs that read it:
//   field   which field, flag or key of the input is wrong           ("text", "--port", "workload.chats")
//   reason  a stable upper-case word for programs, inside a code     ("NO_RESPONDERS", "TOKEN_REVOKED")
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text.h"

namespace reliant {

using Status = absl::Status;
using StatusCode = absl::StatusCode;
template <class T>
using Result = absl::StatusOr<T>;

inline Status ok_status() { return absl::OkStatus(); }

// A status from the parts of its message: not_found("chat ", id.str(), " does not exist").
template <class... Parts>
Status make_status(StatusCode code, const Parts&... parts) {
  return Status(code, concat(parts...));
}
template <class... Parts>
Status cancelled(const Parts&... parts) {
  return make_status(StatusCode::kCancelled, parts...);
}
template <class... Parts>
Status unknown(const Parts&... parts) {
  return make_status(StatusCode::kUnknown, parts...);
}
template <class... Parts>
Status invalid_argument(const Parts&... parts) {
  return make_status(StatusCode::kInvalidArgument, parts...);
}
template <class... Parts>
Status deadline_exceeded(const Parts&... parts) {
  return make_status(StatusCode::kDeadlineExceeded, parts...);
}
template <class... Parts>
Status not_found(const Parts&... parts) {
  return make_status(StatusCode::kNotFound, parts...);
}
template <class... Parts>
Status already_exists(const Parts&... parts) {
  return make_status(StatusCode::kAlreadyExists, parts...);
}
template <class... Parts>
Status permission_denied(const Parts&... parts) {
  return make_status(StatusCode::kPermissionDenied, parts...);
}
template <class... Parts>
Status unauthenticated(const Parts&... parts) {
  return make_status(StatusCode::kUnauthenticated, parts...);
}
template <class... Parts>
Status resource_exhausted(const Parts&... parts) {
  return make_status(StatusCode::kResourceExhausted, parts...);
}
template <class... Parts>
Status failed_precondition(const Parts&... parts) {
  return make_status(StatusCode::kFailedPrecondition, parts...);
}
template <class... Parts>
Status aborted(const Parts&... parts) {
  return make_status(StatusCode::kAborted, parts...);
}
template <class... Parts>
Status unimplemented(const Parts&... parts) {
  return make_status(StatusCode::kUnimplemented, parts...);
}
template <class... Parts>
Status internal_error(const Parts&... parts) {
  return make_status(StatusCode::kInternal, parts...);
}
template <class... Parts>
Status unavailable(const Parts&... parts) {
  return make_status(StatusCode::kUnavailable, parts...);
}
template <class... Parts>
Status data_loss(const Parts&... parts) {
  return make_status(StatusCode::kDataLoss, parts...);
}

inline std::string_view message_of(const Status& status) { return {status.message().data(), status.message().size()}; }

// Returns `status` with the annotation set; an OK status is returned as it is.
Status with_field(Status status, std::string_view field);
Status with_reason(Status status, std::string_view reason);
// "" when there is none.
std::string field_of(const Status& status);
std::string reason_of(const Status& status);

// The earliest time to retry, as the refusing side gave it; zero: none given.
Status with_retry_after(Status status, std::chrono::nanoseconds wait);
std::chrono::nanoseconds retry_after_of(const Status& status);

// INVALID_ARGUMENT about one field; `message` says what is wrong and what to do instead.
Status invalid_field(std::string_view field, std::string_view message);

// The canonical name, "NOT_FOUND", and back (kUnknown for a word that is none).
std::string_view code_name(StatusCode code);
StatusCode code_from_name(std::string_view name);
// The HTTP status of a code (google.rpc.Code's own table).
int http_status(StatusCode code);

// The same call may succeed in a while: ABORTED, UNAVAILABLE. A caller that repeats more than these names what it adds.
bool is_retryable(StatusCode code);
// The call has failed, and may have been carried out all the same: DEADLINE_EXCEEDED, UNKNOWN.
bool is_outcome_unknown(StatusCode code);

// Reasons shared by more than one folder.
inline constexpr std::string_view kReasonNoResponders = "NO_RESPONDERS";    // bus: no subscriber
inline constexpr std::string_view kReasonDaemonOffline = "DAEMON_OFFLINE";  // C4
inline constexpr std::string_view kReasonTokenInvalid = "TOKEN_INVALID";    // C10
inline constexpr std::string_view kReasonTokenRevoked = "TOKEN_REVOKED";    // C10
inline constexpr std::string_view kReasonSuperseded = "SUPERSEDED";         // C2: a newer epoch holds the key
inline constexpr std::string_view kReasonCommitUnknown = "COMMIT_UNKNOWN";  // database: the commit is in doubt

}  // namespace reliant

// Leave the function with the status when it is not OK. The CO_ forms are for coroutines.
#define RELIANT_CONCAT_INNER(a, b) a##b
#define RELIANT_CONCAT(a, b) RELIANT_CONCAT_INNER(a, b)

#define TRY_OK(expression)                                                                \
  do {                                                                                    \
    if (::reliant::Status try_status = (expression); !try_status.ok()) return try_status; \
  } while (false)

#define CO_TRY_OK(expression)                                                                \
  do {                                                                                       \
    if (::reliant::Status try_status = (expression); !try_status.ok()) co_return try_status; \
  } while (false)

#define TRY_ASSIGN_IMPL(result, target, expression, leave) \
  auto result = (expression);                              \
  if (!result.ok()) leave result.status();                 \
  target = *std::move(result)

// TRY_ASSIGN(auto x, f());   target is a declaration or an lvalue.
#define TRY_ASSIGN(target, expression) TRY_ASSIGN_IMPL(RELIANT_CONCAT(try_result_, __LINE__), target, expression, return)
#define CO_TRY_ASSIGN(target, expression) TRY_ASSIGN_IMPL(RELIANT_CONCAT(try_result_, __LINE__), target, expression, co_return)

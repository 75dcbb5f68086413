// GrpcLinkCalls: the streams that gRPC may still call, and the way from its threads to the logic thread.
//
// Backpressure is a stream's own: it has one read and one write under way at most. The inbox has no limit
// (Inbox::kNoLimit).
//
// Owner: the transport; its servers and streams use it. `add`, `post` and `ended` are for any thread, the
// rest is for the logic thread. close() ends every stream and waits for gRPC, and for nothing that has to run
// on the logic thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/asio/inbox.h"
#include "adapters/grpc_link/grpc_link.h"
#include "adapters/grpc_link/grpc_link_pulse.h"
#include "adapters/grpc_link/grpc_link_stream.h"
#include "runtime/scope.h"

namespace reliant::adapters {

class GrpcLinkCalls final {
 public:
  GrpcLinkCalls(AsioExecutor& executor, GrpcLinkOptions options);
  GrpcLinkCalls(const GrpcLinkCalls&) = delete;
  GrpcLinkCalls& operator=(const GrpcLinkCalls&) = delete;

  AsioExecutor& executor() const { return executor_; }
  const GrpcLinkOptions& options() const { return options_; }
  GrpcLinkLimits limits() const { return {.max_message = options_.max_message, .buffer = options_.buffer}; }

  // gRPC may call the stream from now on, until ended(). False: the transport closes, and gRPC must not have
  // the stream.
  [[nodiscard]] bool add(std::shared_ptr<GrpcLinkStream> stream);
  // Runs on the logic thread, in the order of the posts; never once the transport closes.
  void post(Inbox::Work work) { (void)inbox_->post(std::move(work)); }
  // gRPC never calls the stream again. `last` is posted, and then the stream may go.
  void ended(GrpcLinkStream& stream, Inbox::Work last);

  // Breaks the stream off when it has not sent everything in time.
  void watch(std::shared_ptr<GrpcLinkStream> stream);
  // The stream's reads have ended: with a half-close, unless it is cancelled in the next moment.
  void settle(std::shared_ptr<GrpcLinkStream> stream);
  // Part of close(), after all streams are broken off.
  void at_close(Inbox::Work work) { at_close_.push_back(std::move(work)); }

  void close();

 private:
  static Task<void> end_reads(std::shared_ptr<GrpcLinkStream> stream, Instant when);
  static Task<void> end_in_time(std::shared_ptr<GrpcLinkStream> stream, Instant deadline);
  void remove(const GrpcLinkStream& stream);

  AsioExecutor& executor_;
  const GrpcLinkOptions options_;
  const std::shared_ptr<Inbox> inbox_;
  GrpcLinkPulse pulse_;
  std::vector<Inbox::Work> at_close_;

  std::mutex mutex_;
  std::condition_variable all_ended_;
  std::map<std::uint64_t, std::shared_ptr<GrpcLinkStream>> streams_;
  std::uint64_t last_number_ = 0;
  std::size_t called_ = 0;  // of the streams: gRPC may call them
  bool closing_ = false;

  std::optional<TaskScope> scope_;  // until close(). Last: its tasks use everything above
};

}  // namespace reliant::adapters

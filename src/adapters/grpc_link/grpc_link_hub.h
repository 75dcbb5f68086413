// GrpcLinkHub: what all parts of one GrpcLinkTransport share: the way from gRPC's threads to the logic thread, the streams
// that gRPC knows, and a thread for the calls of gRPC that wait.
//
// Owner: the transport, its listeners and links together. `post` and `later` are for any thread, the rest is the logic
// thread's. shut() ends everything and returns when gRPC has let go of it; it waits for the threads of the queues.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <absl/functional/any_invocable.h>

#include "adapters/asio/asio_executor.h"
#include "adapters/grpc_link/grpc_link.h"
#include "adapters/grpc_link/grpc_link_stream.h"
#include "runtime/scope.h"

namespace reliant::adapters {

class GrpcLinkHub final : public std::enable_shared_from_this<GrpcLinkHub> {
 public:
  using Work = absl::AnyInvocable<void()>;

  GrpcLinkHub(AsioExecutor& executor, GrpcLinkOptions options);
  GrpcLinkHub(const GrpcLinkHub&) = delete;
  GrpcLinkHub& operator=(const GrpcLinkHub&) = delete;
  ~GrpcLinkHub();

  const GrpcLinkOptions& options() const { return options_; }
  GrpcLinkLimits limits() const { return {.max_message = options_.max_message, .buffer = options_.buffer}; }

  // Runs on the logic thread, in the order of the posts.
  void post(Work event);
  // From the logic thread, on the logic thread: when nothing else is left to do. Dropped when the hub shuts.
  void when_idle(Work work);
  // Runs on a thread of its own, one after the other: what may wait.
  void later(Work job);

  // gRPC knows the stream from now on, until remove().
  void add(std::shared_ptr<GrpcLinkStream> stream);
  void remove(GrpcLinkStream& stream);
  // Breaks it off when it has not sent everything in time.
  void watch(std::shared_ptr<GrpcLinkStream> stream);
  // Its reads have ended: with a half-close, unless it is cancelled in the next moment.
  void settle(std::shared_ptr<GrpcLinkStream> stream);
  // A server of gRPC's exists: shut() asks it to end, and waits until it has.
  void add_server(std::uint64_t server, Work close) { servers_.emplace(server, std::move(close)); }
  void remove_server(std::uint64_t server) { servers_.erase(server); }
  std::uint64_t next_number() { return ++last_number_; }

  void shut();

 private:
  Work handing_over();
  void hand_over();
  void do_idle_works();
  void tell(std::size_t most);
  void work_off();
  static Task<void> end_reads(std::shared_ptr<GrpcLinkStream> stream, Instant when);
  static Task<void> end_in_time(std::shared_ptr<GrpcLinkStream> stream, Instant deadline);

  AsioExecutor& executor_;
  const GrpcLinkOptions options_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::shared_ptr<GrpcLinkStream>> streams_;
  std::map<std::uint64_t, Work> servers_;
  std::vector<Work> telling_;  // taken from events_
  std::size_t told_ = 0;       // of these
  std::vector<Work> idle_works_;

  std::mutex mutex_;
  std::condition_variable job_came_;
  std::condition_variable event_came_;  // for shut(); in between, the executor is told
  std::vector<Work> events_;
  std::vector<Work> jobs_;
  bool posted_ = false;
  bool shutting_ = false;
  bool shut_ = false;
  std::thread worker_;

  std::optional<TaskScope> scope_;  // until shut(). Last: its tasks use everything above
};

}  // namespace reliant::adapters

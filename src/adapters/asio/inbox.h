// Inbox: the way from a library's threads to the logic thread. What they post runs there, in the order of the posts; nothing
// runs after close(), so an adapter closes its inbox first and may then be destroyed while a library still calls back.
//
// It holds at most `limit` pieces of work. A thread that brings more waits until the logic thread has caught up (backpressure
// for what the library reads), so it must hold no lock that the logic thread takes. The logic thread itself never waits.
// kNoLimit is for gRPC's callbacks: its few threads serve the whole process, and one that waited for the logic thread would
// hold up what the logic thread waits for. There, what a caller has under way is the bound.
//
// Owner: shared by the adapter and by the callbacks that it has given to the library. The executor outlives close().
// Executor: post() is for any thread, close() for the logic thread. An exception that leaves the work goes to the executor's
// FailureHandler; what was posted after that work still runs.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>

#include <absl/functional/any_invocable.h>

#include "adapters/asio/asio_executor.h"
#include "runtime/ring.h"

namespace reliant::adapters {

class Inbox final : public std::enable_shared_from_this<Inbox> {
 public:
  using Work = absl::AnyInvocable<void()>;
  static constexpr std::size_t kLimit = 4096;
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  static std::shared_ptr<Inbox> open(AsioExecutor& executor, std::size_t limit = kLimit);
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // False: the inbox is closed, and `work` was destroyed on the calling thread.
  bool post(Work work);
  // What was posted and has not run is destroyed; threads that wait in post() return. A second call does nothing.
  void close();

 private:
  Inbox(AsioExecutor& executor, std::size_t limit) : executor_(&executor), limit_(limit) {}
  void run();
  Work next();
  void run_later();  // under the mutex

  std::mutex mutex_;
  std::condition_variable room_;
  Ring<Work> waiting_;
  bool called_ = false;     // run() is posted to the executor
  AsioExecutor* executor_;  // null: closed
  const std::size_t limit_;
};

}  // namespace reliant::adapters

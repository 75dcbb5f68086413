// AsioExecutor: the Executor of production. It runs on one thread, in order, driven by a stock io_context that it owns
// and that all sockets, signals and library threads of the process report to.
//
// Owner: the composition root, which destroys every scope and every adapter that uses it before it, and ends all
// threads that post to it. Only `post` and `runs_here` are for any thread. It cannot fail.
#pragma once

#include <functional>
#include <memory>

#include <absl/functional/any_invocable.h>

#include "runtime/executor.h"

namespace boost::asio {
class io_context;
}

namespace reliant::adapters {

class AsioExecutor final : public Executor {
 public:
  AsioExecutor();
  ~AsioExecutor() override;

  // From any thread: `work` runs on the logic thread, between two steps, in the order of the posts. It may wake
  // coroutines; what is still queued when the executor goes is destroyed without being run.
  void post(absl::AnyInvocable<void()> work);

  // On the logic thread: `work` runs when all that is ready now has run, before the loop waits again.
  void run_at_end_of_turn(absl::AnyInvocable<void()> work);
  bool runs_here() const;  // from any thread: whether it is the one that runs the loop now

  // Runs on the calling thread, which is the logic thread from then on, until `stop`. What was made ready before the
  // stop and has not run yet stays.
  void run_loop();
  void stop();  // on the logic thread; elsewhere `post` a call of it

  // Runs until `done` holds (asked after every handler), at most for `limit` of real time. False: the limit was hit.
  bool run_loop_until(const std::function<bool()>& done, Duration limit = Duration::max());

  boost::asio::io_context& io() noexcept;

 private:
  struct Driver;

  void on_work() override;
  void run_posted(absl::AnyInvocable<void()>& work);
  void run_batch();
  void end_turn();
  void arm_timer();

  std::unique_ptr<Driver> driver_;
};

}  // namespace reliant::adapters

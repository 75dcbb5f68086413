// AsioExecutor: the Executor of production. Everything runs one after the other, in order, driven by a stock io_context
// that it owns and that all sockets and signals of the process report to.
//
// The thread that runs the loop is the logic thread. While a Sharing lives, so is, for a moment, a library's thread that
// brings news (`dispatch`): waking another thread costs more than most of what there is to do then. At any time it is one
// thread, and what the one before it has done is known to the next: whoever runs here sees no difference.
//
// Owner: the composition root, which destroys every scope and every adapter that uses it before it, and ends all
// threads that post to it. Only `post`, `dispatch`, `offer` and `runs_here` are for any thread. It cannot fail.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <absl/functional/any_invocable.h>

#include "runtime/executor.h"
#include "runtime/task.h"

namespace boost::asio {
class any_io_executor;
}

namespace reliant::adapters {

class AsioExecutor final : public Executor {
 public:
  using Work = absl::AnyInvocable<void()>;

  AsioExecutor();
  ~AsioExecutor() override;

  // From any thread: `work` runs on the logic thread, between two steps, in the order of the calls, never within this one.
  // It may wake coroutines, and sees the current time. An exception that leaves it goes to the FailureHandler. What is still
  // queued when the executor goes is destroyed without being run.
  void post(Work work);
  // The same, from a thread that holds no lock which the logic may want, and that the logic does not wait for: it may become
  // the logic thread, and then returns after some of what there is to do, `work` first.
  void dispatch(Work work);
  // dispatch in two steps, for who has to hold a lock in the first: true asks for a call of serve() when that is released.
  [[nodiscard]] bool offer(Work work);
  void serve();

  // On the logic thread: `work` runs when nothing is left to run, before the loop waits again; a busy one does it now and
  // then.
  void run_at_end_of_turn(Work work);
  // On the logic thread: news is expected within `time`. So long the loop looks for it again and again instead of going to
  // sleep, from which it would be woken (tens of microseconds, on a processor that sleeps, too), and gives way to any thread
  // that wants its processor. It costs up to so much of one: for an answer that is known to come soon.
  void look_out_for(Duration time);
  bool runs_here() const;  // from any thread: whether it is the logic thread, and at work

  // Runs on the calling thread until `stop`. What was made ready before the stop and has not run yet stays.
  void run_loop();
  void stop();  // on the logic thread; elsewhere `post` a call of it

  // Runs until `done` holds (asked on the logic thread, after every handler), at most for `limit` of real time. False: the
  // limit was hit.
  bool run_loop_until(const std::function<bool()>& done, Duration limit = Duration::max());

  // While one lives (on the logic thread), other threads may be the logic thread.
  class Sharing {
   public:
    explicit Sharing(AsioExecutor& executor);
    Sharing(const Sharing&) = delete;
    Sharing& operator=(const Sharing&) = delete;
    ~Sharing();

   private:
    AsioExecutor& executor_;
  };
  // When no Sharing lives any more: goes on on the loop's thread. Adapters whose destructor waits for a thread of their own
  // may be destroyed there only.
  Task<void> come_home();
  bool at_home() const;  // on the logic thread: whether it is the loop's, or there is no loop

  // For Asio's objects: what they bring runs as what is dispatched does.
  boost::asio::any_io_executor io_executor();
  // The same for what is no part of the logic: it runs on the loop's thread, also while another one is the logic thread.
  boost::asio::any_io_executor loop_executor();

 private:
  class Handlers;
  struct Driver;

  bool run(const std::function<bool()>* done, Duration limit);
  void run_round();
  void run_posted();
  void run_batch();
  bool in_loop() const;
  bool idle() const;
  void end_turn();
  void ask_whether_done();
  void arm_timer();
  void look_again();
  bool pass_on(int rounds);
  void call_loop();

  std::unique_ptr<Driver> driver_;
};

}  // namespace reliant::adapters

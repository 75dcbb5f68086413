// AsioExecutor: the Executor of production. Everything runs one after the other, in order, on the thread that runs the loop of a
// stock io_context, which the executor owns and which all sockets and signals of the process report to. That thread is the
// logic thread; the threads of libraries reach it through an Inbox (adapters/asio/inbox.h).
//
// Owner: the composition root, which destroys every scope and every adapter that uses it before it, and ends all
// threads that post to it. Only `post` and `runs_here` are for any thread. It cannot fail.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <absl/functional/any_invocable.h>

#include "runtime/executor.h"

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
  bool runs_here() const;  // from any thread: whether it is the logic thread, and at work

  // On the logic thread: `work` runs when nothing is left to run, before the loop waits again, so that writes are sent
  // together; a busy loop does it now and then.
  void run_at_end_of_batch(Work work);

  // Runs on the calling thread until `stop`. What was made ready before the stop and has not run yet stays.
  void run_loop();
  void stop();  // on the logic thread; elsewhere `post` a call of it

  // Runs until `done` holds (asked on the logic thread, after every handler), at most for `limit` of real time. False: the
  // limit was hit.
  bool run_loop_until(const std::function<bool()>& done, Duration limit = Duration::max());

  // For Asio's objects: their handlers run on the logic thread, as posted work does.
  boost::asio::any_io_executor io_executor();

 private:
  class Handlers;
  struct Driver;

  bool run(const std::function<bool()>* done, Duration limit);
  void handle(Work work);
  void serve();
  void run_round();
  void run_posted();
  void run_ready();
  bool idle() const;
  void end_batch();
  void ask_whether_done();
  void arm_timer();
  bool in_loop() const;
  void call_loop();

  std::unique_ptr<Driver> driver_;
};

}  // namespace reliant::adapters

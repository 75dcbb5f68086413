// Event: a flag to wait for. Any number of coroutines wait until it is set; it stays set until `reset`.
//
// Belongs to one executor's thread and must outlive the resumption of the waiters it woke. A waiter that `set` has
// woken returns true even if `reset` comes before it runs, so set-then-reset wakes exactly the current waiters.
#pragma once

#include <coroutine>

#include "runtime/waiter.h"

namespace reliant {

class Event {
 public:
  class [[nodiscard]] Wait final : private Waiter {
   public:
    Wait(Event& event, Instant deadline) noexcept : event_(event), deadline_(deadline) {}
    bool await_ready() const noexcept { return event_.set_; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      wait_in(event_.waiters_, handle, deadline_);
    }
    bool await_resume() noexcept {
      const bool late = linked();
      unlink();
      return !late;
    }

   private:
    Event& event_;
    Instant deadline_;
  };

  bool is_set() const noexcept { return set_; }
  void set() {
    set_ = true;
    waiters_.wake_all();
  }
  void reset() noexcept { set_ = false; }

  // True: it was set. False: `deadline` came first.
  Wait wait(Instant deadline = kNever) { return Wait(*this, deadline); }

 private:
  bool set_ = false;
  WaitList waiters_;
};

}  // namespace reliant

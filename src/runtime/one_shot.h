// OneShot<T>: one value, set once and taken once: the reply to a request.
//
// One coroutine waits at a time. The value stays here until the waiter has resumed, so a waiter that is
// destroyed after the value came, and before it ran, leaves the value for the next. Belongs to one executor's
// thread and must outlive the resumption of its waiter.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "runtime/waiter.h"

namespace reliant {

template <class T>
class OneShot {
 public:
  class [[nodiscard]] Wait final : private Waiter {
   public:
    Wait(OneShot& one_shot, Instant deadline) noexcept : one_shot_(one_shot), deadline_(deadline) {}
    bool await_ready() const noexcept { return one_shot_.set_; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      RELIANT_ASSERT(one_shot_.waiters_.empty(), "a OneShot has one waiter");
      wait_in(one_shot_.waiters_, handle, deadline_);
    }
    std::optional<T> await_resume() {
      unlink();
      return std::exchange(one_shot_.value_, std::nullopt);
    }

   private:
    OneShot& one_shot_;
    Instant deadline_;
  };

  // False: it was set before, and this value is dropped.
  bool set(T value) {
    if (set_) return false;
    set_ = true;
    value_.emplace(std::move(value));
    waiters_.wake_all();
    return true;
  }
  bool is_set() const noexcept { return set_; }

  // Nullopt: `deadline` came first, or the value was taken before.
  Wait wait(Instant deadline = kNever) { return Wait(*this, deadline); }

 private:
  bool set_ = false;
  std::optional<T> value_;
  WaitList waiters_;
};

}  // namespace reliant

// with_deadline(task, when), where `task` may be anything that can be awaited (as for `race`): the task's result, or nullopt when `when` came first, and then the task has been
// destroyed. `std::optional<T>`; for Task<void>, `std::optional<std::monostate>`.
//
// Runs in the awaiting coroutine's context, without a frame or an allocation. A task that ends at once sets
// no timer. When its end and the deadline fall on one instant, either may win. Exceptions pass through.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "runtime/executor.h"
#include "runtime/task.h"

namespace reliant {

template <class T>
class [[nodiscard]] WithDeadline {
 public:
  WithDeadline(Task<T> task, Instant when) noexcept : task_(std::move(task)), when_(when) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> parent) {
    Context& context = *parent.promise().context;
    task_.start(context);
    if (task_.done()) return false;
    task_.resume_at_end(parent);
    parent_ = parent;
    timer_.owner = this;
    timer_.bind(context, &late);
    timer_.at(when_);
    return true;
  }
  std::optional<Plain<T>> await_resume() {
    if (!task_) return std::nullopt;
    return plain_result(task_);
  }

 private:
  struct Timer : Wake {
    WithDeadline* owner = nullptr;
  };
  static void late(Wake& wake) {
    WithDeadline& self = *static_cast<Timer&>(wake).owner;
    self.task_.reset();
    self.parent_.resume();
  }

  Task<T> task_;
  Instant when_;
  Timer timer_;
  std::coroutine_handle<> parent_;
};

template <class Awaitable>
WithDeadline<AwaitResult<Awaitable>> with_deadline(Awaitable awaitable, Instant when) {
  return WithDeadline<AwaitResult<Awaitable>>(as_task(std::move(awaitable)), when);
}

}  // namespace reliant

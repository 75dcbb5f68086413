// race(a, b, ...): the result of the first to end, as a variant whose index says which. The others have been destroyed (or
// were never started, if an earlier one ended at once) before `race` returns.
//
// Each is a Task, or anything else that can be awaited (`event.wait()`, `sleep_until(when)`, `channel.recv()`), which is moved
// into a Task of its own. Tasks start in the order given and run in the awaiting coroutine's context, without another frame or
// allocation. An exception of the first to end passes through.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "runtime/task.h"

namespace reliant {

template <class... Ts>
class [[nodiscard]] Race {
 public:
  using Result = std::variant<Plain<Ts>...>;

  explicit Race(Task<Ts>... tasks) noexcept : tasks_(std::move(tasks)...) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> parent) {
    Context& context = *parent.promise().context;
    const bool ended = std::apply([&](auto&... task) { return ((task.start(context), task.done()) || ...); }, tasks_);
    if (ended) return false;
    std::apply([&](auto&... task) { (task.resume_at_end(parent), ...); }, tasks_);
    return true;
  }
  Result await_resume() { return take(std::index_sequence_for<Ts...>()); }

 private:
  template <std::size_t... I>
  Result take(std::index_sequence<I...>) {
    std::size_t winner = 0;
    (void)((std::get<I>(tasks_).done() ? (winner = I, true) : false) || ...);
    ((I != winner ? std::get<I>(tasks_).reset() : void()), ...);
    std::optional<Result> result;
    ((I == winner ? void(result.emplace(std::in_place_index<I>, plain_result(std::get<I>(tasks_)))) : void()), ...);
    return std::move(*result);
  }

  std::tuple<Task<Ts>...> tasks_;
};

template <class... Awaitables>
Race<AwaitResult<Awaitables>...> race(Awaitables... awaitables) {
  return Race<AwaitResult<Awaitables>...>(as_task(std::move(awaitables))...);
}

}  // namespace reliant

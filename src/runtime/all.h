// all(a, b, ...) and all(std::vector<Task<T>>): every result, when the last task has ended: a tuple (`void`
// becomes `std::monostate`), or a vector in the order of the tasks (for Task<void>, nothing).
//
// Tasks start in the order given and run in the awaiting coroutine's context; there is no frame of its own.
// The first exception destroys the others (those not yet started never start) and is rethrown.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/task.h"

namespace reliant {

// Counts the ends of a group of tasks and resumes their parent after the last one, or after the first
// failure.
class Gathering : protected Sink {
 protected:
  explicit Gathering(std::size_t tasks) noexcept : Sink{&task_ended}, left_(tasks) {}

  template <class T>
  bool start_goes_on(Task<T>& task, Context& context) {
    task.start(context, this);
    return !failed_;
  }
  // After the tasks were started: whether there is anything to wait for.
  bool wait(std::coroutine_handle<> parent) noexcept {
    if (failed_ || left_ == 0) return false;
    parent_ = parent;
    return true;
  }
  const std::exception_ptr& failure() const noexcept { return failed_; }

 private:
  static std::coroutine_handle<> task_ended(Sink& sink, PromiseBase& promise) noexcept {
    auto& self = static_cast<Gathering&>(sink);
    --self.left_;
    if (promise.error && !self.failed_) {
      self.failed_ = promise.error;
      return self.parent_;
    }
    if (self.left_ == 0) return self.parent_;
    return std::noop_coroutine();
  }

  std::size_t left_;
  std::exception_ptr failed_;
  std::coroutine_handle<> parent_ = std::noop_coroutine();
};

template <class... Ts>
class [[nodiscard]] All final : private Gathering {
 public:
  explicit All(Task<Ts>... tasks) noexcept : Gathering(sizeof...(Ts)), tasks_(std::move(tasks)...) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> parent) {
    Context& context = *parent.promise().context;
    std::apply([&](auto&... task) { (void)(start_goes_on(task, context) && ...); }, tasks_);
    return wait(parent);
  }
  std::tuple<Plain<Ts>...> await_resume() {
    if (failure()) {
      std::apply([](auto&... task) { (task.reset(), ...); }, tasks_);
      std::rethrow_exception(failure());
    }
    return std::apply([](auto&... task) { return std::tuple<Plain<Ts>...>(plain_result(task)...); }, tasks_);
  }

 private:
  std::tuple<Task<Ts>...> tasks_;
};

template <class T>
class [[nodiscard]] AllOf final : private Gathering {
 public:
  using Result = std::conditional_t<std::is_void_v<T>, void, std::vector<Plain<T>>>;

  explicit AllOf(std::vector<Task<T>> tasks) noexcept : Gathering(tasks.size()), tasks_(std::move(tasks)) {}

  bool await_ready() const noexcept { return tasks_.empty(); }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> parent) {
    Context& context = *parent.promise().context;
    for (Task<T>& task : tasks_) {
      if (!start_goes_on(task, context)) break;
    }
    return wait(parent);
  }
  Result await_resume() {
    if (failure()) {
      while (!tasks_.empty()) tasks_.pop_back();  // newest first
      std::rethrow_exception(failure());
    }
    if constexpr (!std::is_void_v<T>) {
      std::vector<T> results;
      results.reserve(tasks_.size());
      for (Task<T>& task : tasks_) results.push_back(task.result());
      return results;
    }
  }

 private:
  std::vector<Task<T>> tasks_;
};

template <class... Ts>
All<Ts...> all(Task<Ts>... tasks) {
  return All<Ts...>(std::move(tasks)...);
}
template <class T>
AllOf<T> all(std::vector<Task<T>> tasks) {
  return AllOf<T>(std::move(tasks));
}

}  // namespace reliant

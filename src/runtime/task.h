// Task<T>: a lazy coroutine. The holder of the Task owns its frame, and everything the frame owns; destroying
// the Task cancels it. There is no other cancellation: no exception, no flag, no CANCELLED to handle.
//
// A Task does nothing until it is awaited, spawned into a `TaskScope`, or handed to `with_deadline`, `race`
// or `all`. It runs on the executor of its awaiter, and ends with a value or an exception, which
// `co_await` gives to the parent. Waiting for a child and returning from one are tail calls: loops of them
// need no stack.
//
// One thread. A frame is destroyed only while it is suspended, innermost first. Parameters are taken by value
// unless the task is awaited within the same full expression; never make a coroutine from a capturing lambda.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "runtime/context.h"
#include "runtime/frame_pool.h"

namespace reliant {

struct PromiseBase;

// Told when a task ends, in place of an awaiting parent. Returns what to resume next (or the no-op
// coroutine).
struct Sink {
  std::coroutine_handle<> (*ended)(Sink&, PromiseBase&) noexcept;
};

// The part common to all frames: where they run, and what resumes at their end.
struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  Context* context = nullptr;
  Sink* sink = nullptr;
  std::exception_ptr error;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> handle) const noexcept {
      P& promise = handle.promise();
      return promise.sink != nullptr ? promise.sink->ended(*promise.sink, promise) : promise.continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  static void* operator new(std::size_t bytes) { return FramePool::allocate(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { FramePool::release(frame, bytes); }
};

template <class T>
class Task;

template <class T>
struct Promise final : PromiseBase {
  std::optional<T> value;

  Task<T> get_return_object() noexcept;
  template <class U = T>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> final : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const noexcept {}
};

template <class T>
class [[nodiscard]] Task {
  static_assert(!std::is_reference_v<T>, "a Task yields a value; return a pointer instead of a reference");

 public:
  using promise_type = Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;
  using Value = T;

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() { reset(); }

  // co_await task
  bool await_ready() const noexcept { return false; }
  template <class P>
  Handle await_suspend(std::coroutine_handle<P> parent) noexcept {
    RELIANT_ASSERT(handle_, "a Task is awaited once");
    promise_type& promise = handle_.promise();
    promise.continuation = parent;
    promise.context = parent.promise().context;
    return handle_;
  }
  T await_resume() { return result(); }

  // The rest is for scopes and combinators.

  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }
  Handle handle() const noexcept { return handle_; }
  bool done() const noexcept { return handle_.done(); }
  void reset() noexcept {
    if (Handle handle = std::exchange(handle_, {})) handle.destroy();
  }
  void attach(Context& context, Sink* sink) noexcept {
    handle_.promise().context = &context;
    handle_.promise().sink = sink;
  }
  // Runs it on the caller's stack until it first suspends, or ends.
  void start(Context& context, Sink* sink = nullptr) {
    RELIANT_ASSERT(handle_, "a Task is started once");
    attach(context, sink);
    handle_.resume();
  }
  void resume_at_end(std::coroutine_handle<> continuation) noexcept { handle_.promise().continuation = continuation; }
  T result() {
    promise_type& promise = handle_.promise();
    if (promise.error) [[unlikely]]
      std::rethrow_exception(std::exchange(promise.error, {}));
    return promise.take();
  }

 private:
  Handle handle_;
};

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// What a combinator gives for a task of type T: `void` has no value, so it becomes `std::monostate`.
template <class T>
using Plain = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
Plain<T> plain_result(Task<T>& task) {
  if constexpr (std::is_void_v<T>) {
    task.result();
    return {};
  } else {
    return task.result();
  }
}

template <class Awaitable>
using AwaitResult = decltype(std::declval<Awaitable&>().await_resume());

// For combinators: a Task is itself, anything else that can be awaited is moved into the frame of one.
template <class Awaitable>
Task<AwaitResult<Awaitable>> as_task(Awaitable awaitable) {
  co_return co_await std::move(awaitable);
}
template <class T>
Task<T> as_task(Task<T> task) noexcept {
  return task;
}

}  // namespace reliant

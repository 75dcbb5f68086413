// Waiting for time: `sleep_until`, `sleep_for`, `yield` (let others run), `never` (until destroyed).
//
// Time is the executor's. A sleep that has ended resumes in a later step, at or after its time; destroying
// the sleeper removes its timer. No allocation, no errors.
#pragma once

#include <coroutine>

#include "runtime/executor.h"

namespace reliant {

class [[nodiscard]] SleepUntil {
 public:
  explicit SleepUntil(Instant when) noexcept : when_(when) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    wake_.bind(*handle.promise().context, handle);
    wake_.at(when_);
  }
  void await_resume() const noexcept {}

 private:
  Instant when_;
  Wake wake_;
};

class [[nodiscard]] SleepFor {
 public:
  explicit SleepFor(Duration delay) noexcept : delay_(delay) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    Context& context = *handle.promise().context;
    wake_.bind(context, handle);
    wake_.at(after(context.executor->now(), delay_));
  }
  void await_resume() const noexcept {}

 private:
  Duration delay_;
  Wake wake_;
};

class [[nodiscard]] Yield {
 public:
  Yield() = default;
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    wake_.bind(*handle.promise().context, handle);
    wake_.ready();
  }
  void await_resume() const noexcept {}

 private:
  Wake wake_;
};

inline SleepUntil sleep_until(Instant when) { return SleepUntil(when); }
inline SleepFor sleep_for(Duration delay) { return SleepFor(delay); }  // zero or less: like `yield`
inline Yield yield() { return Yield(); }
inline std::suspend_always never() { return {}; }

}  // namespace reliant

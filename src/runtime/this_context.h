// `Context& context = co_await ThisContext{};`: where the running coroutine runs. Never suspends.
// The reference is good for as long as the scope that owns the coroutine.
#pragma once

#include <coroutine>

#include "runtime/context.h"

namespace reliant {

class ThisContext {
 public:
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> handle) noexcept {
    context_ = handle.promise().context;
    return false;
  }
  Context& await_resume() const noexcept { return *context_; }

 private:
  Context* context_ = nullptr;
};

}  // namespace reliant

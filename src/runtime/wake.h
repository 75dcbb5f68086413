// Wake: one registration with the executor, which is how anything comes to run. It is nowhere, in the ready
// list, or in the timer heap; when its turn comes, the executor resumes the coroutine or calls the function
// it was bound to.
//
// It lives inside the awaiter, so in the waiting coroutine's frame: destroying the frame unregisters it, and
// that is all that cancelling a wait needs. Bind it before use. It moves only before that, with an awaiter that is given to a
// combinator. Used on the executor's thread only.
//
// A callback runs as a step of its own and belongs to ports and combinators: it may wake others, and as its
// very last act it may resume one coroutine (`Executor::resume_now`).
#pragma once

#include <coroutine>
#include <cstdint>

#include "base/assert.h"
#include "runtime/context.h"
#include "runtime/time.h"

namespace reliant {

class Wake {
 public:
  using Callback = void (*)(Wake&);

  Wake() = default;
  Wake(Wake&& other) noexcept { RELIANT_ASSERT(other.context_ == nullptr, "a Wake that is bound does not move"); }
  Wake& operator=(Wake&&) = delete;
  ~Wake() { cancel(); }

  void bind(Context& context, std::coroutine_handle<> waiter) noexcept {
    context_ = &context;
    waiter_ = waiter;
  }
  void bind(Context& context, Callback callback) noexcept {
    context_ = &context;
    callback_ = callback;
  }

  // To run in some later step; replaces a timer, and does nothing when already ready.
  inline void ready();
  // To become ready at `when`, at once if that is past, never if it is `kNever`; replaces what was set
  // before.
  inline void at(Instant when);
  inline void cancel() noexcept;

  bool armed() const noexcept { return where_ != Where::kNowhere; }
  Context& context() const noexcept { return *context_; }

 private:
  friend class Executor;
  friend class ReadyList;
  friend class TimerHeap;
  enum class Where : std::uint8_t { kNowhere, kReady, kTimer, kHeld };

  Context* context_ = nullptr;
  std::coroutine_handle<> waiter_;
  Callback callback_ = nullptr;
  std::uint32_t position_ = 0;  // in the ready list or the heap
  Where where_ = Where::kNowhere;
};

}  // namespace reliant

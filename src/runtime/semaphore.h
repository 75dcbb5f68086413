// Semaphore: a fixed number of permits. Coroutines that find none free wait, and get them in the order in which they came.
//
// Waking only reserves: a permit that is released goes to the oldest waiter, which has it when it resumes. A waiter that is
// destroyed leaves the queue, and a permit that was reserved for it goes to the next.
//
// Belongs to one executor's thread. It must outlive its permits and the waiters that it has woken (checked); the others are
// detached, and wait until their frames are destroyed. No errors but "late", which is a value.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "runtime/waiter.h"

namespace reliant {

class Semaphore {
 public:
  // One of the permits, until it is destroyed.
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Permit& operator=(Permit other) noexcept {
      std::swap(semaphore_, other.semaphore_);
      return *this;
    }
    ~Permit() {
      if (semaphore_ != nullptr) semaphore_->release();
    }

   private:
    friend class Semaphore;
    explicit Permit(Semaphore& semaphore) noexcept : semaphore_(&semaphore) {}
    Semaphore* semaphore_;
  };

  class [[nodiscard]] Acquire final : private Waiter {
   public:
    Acquire(Semaphore& semaphore, Instant deadline) noexcept : semaphore_(semaphore), deadline_(deadline) {}
    Acquire(Acquire&&) noexcept = default;
    ~Acquire() {
      leave();
      if (reserved_) semaphore_.release();
    }
    bool await_ready() const noexcept { return semaphore_.free_ > 0; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      wait_in(semaphore_.waiters_, handle, deadline_);
      ++semaphore_.waiting_;
    }
    std::optional<Permit> await_resume() {
      leave();
      if (std::exchange(reserved_, false)) return Permit(semaphore_);
      return semaphore_.try_acquire();
    }

   private:
    friend class Semaphore;
    void leave() noexcept {
      if (!linked()) return;
      unlink();
      --semaphore_.waiting_;
    }

    Semaphore& semaphore_;
    Instant deadline_;
    bool reserved_ = false;
  };

  explicit Semaphore(std::size_t permits) noexcept : permits_(permits), free_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore() { RELIANT_ASSERT(free_ == permits_, "a Semaphore must outlive its permits"); }

  // Nullopt: `deadline` came first. A caller that bounds the queue looks at `waiting()` before.
  Acquire acquire(Instant deadline = kNever) noexcept { return Acquire(*this, deadline); }
  // Nullopt: none is free. Does not overtake: while coroutines wait, none is.
  std::optional<Permit> try_acquire() noexcept {
    if (free_ == 0) return std::nullopt;
    --free_;
    return Permit(*this);
  }

  std::size_t used() const noexcept { return permits_ - free_; }  // held, or reserved for a waiter that was woken
  std::size_t waiting() const noexcept { return waiting_; }

 private:
  void release() {
    if (waiters_.empty()) {
      ++free_;
      return;
    }
    static_cast<Acquire&>(waiters_.pop_ready()).reserved_ = true;
    --waiting_;
  }

  const std::size_t permits_;
  std::size_t free_;  // more than zero: none waits
  std::size_t waiting_ = 0;
  WaitList waiters_;
};

}  // namespace reliant

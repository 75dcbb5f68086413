// Slots: how many tasks may run at once. A poller takes a slot before it polls, so that nothing is taken from
// the server that could not run; the slot goes with the task and comes back when the task's frame ends.
#pragma once

#include <cstddef>
#include <utility>

#include "runtime/event.h"
#include "runtime/task.h"

namespace reliant::temporal {

class Slots;

class Slot {
 public:
  explicit Slot(Slots& slots) noexcept : slots_(&slots) {}
  Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
  Slot& operator=(Slot&&) = delete;
  inline ~Slot();

 private:
  Slots* slots_;
};

class Slots {
 public:
  explicit Slots(std::size_t count) : count_(count) {}

  // Waits until more than `reserved` are free (for pollers that must not take the last ones).
  Task<Slot> acquire(std::size_t reserved) {
    while (used_ + reserved >= count_) {
      freed_.reset();
      co_await freed_.wait();
    }
    ++used_;
    co_return Slot(*this);
  }
  std::size_t used() const { return used_; }

 private:
  friend class Slot;
  std::size_t count_;
  std::size_t used_ = 0;
  Event freed_;
};

inline Slot::~Slot() {
  if (slots_ == nullptr) return;
  --slots_->used_;
  slots_->freed_.set();
}

}  // namespace reliant::temporal

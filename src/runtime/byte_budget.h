// ByteBudget: how many bytes may be under way at once. A task takes a share before it goes on and waits while there is no
// room for it: that is the backpressure. The share goes with the work and comes back when its owner is destroyed.
//
// A share larger than the whole budget goes alone. Belongs to one executor's thread; it outlives its shares. No errors.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "runtime/event.h"
#include "runtime/task.h"

namespace reliant {

class ByteBudget {
 public:
  class Share {
   public:
    Share(ByteBudget& budget, std::size_t bytes) noexcept : budget_(&budget), bytes_(bytes) { budget.used_ += bytes; }
    Share(Share&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Share& operator=(Share other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    // Gives back what the work turned out not to need.
    void shrink_to(std::size_t bytes) {
      if (budget_ == nullptr || bytes >= bytes_) return;
      budget_->used_ -= std::exchange(bytes_, bytes) - bytes;
      budget_->freed_.set();
    }
    ~Share() {
      if (budget_ == nullptr) return;
      budget_->used_ -= bytes_;
      budget_->freed_.set();
    }

   private:
    ByteBudget* budget_;
    std::size_t bytes_;
  };

  explicit ByteBudget(std::size_t limit) : limit_(limit) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  // Waits for room. Destroyed while it waits: nothing was taken.
  Task<Share> take(std::size_t bytes) {
    while (!fits(bytes)) {
      freed_.reset();
      co_await freed_.wait();
    }
    co_return Share(*this, bytes);
  }
  // Nullopt: there is no room.
  std::optional<Share> try_take(std::size_t bytes) {
    if (!fits(bytes)) return std::nullopt;
    return Share(*this, bytes);
  }
  std::size_t used() const { return used_; }

 private:
  bool fits(std::size_t bytes) const { return used_ == 0 || used_ + bytes <= limit_; }

  std::size_t limit_;
  std::size_t used_ = 0;
  Event freed_;
};

}  // namespace reliant

// ReadyList: what may run next. In the simulator any element can be picked, in production the oldest is. Both
// take elements out of the middle in O(1), because a frame that is destroyed takes its registration with it.
//
// Part of the executor; not for other code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/wake.h"

namespace reliant {

class ReadyList {
 public:
  bool empty() const noexcept { return live_ == 0; }
  std::size_t size() const noexcept { return live_; }

  Wake& at(std::uint32_t index) noexcept { return *entries_[index]; }  // of a list that is taken in any order

  void push(Wake& wake) {
    if (head_ > kCompactAt && head_ * 2 > entries_.size()) [[unlikely]]
      compact();
    wake.position_ = static_cast<std::uint32_t>(entries_.size());
    wake.where_ = Wake::Where::kReady;
    entries_.push_back(&wake);
    ++live_;
  }

  // Any order: the hole is filled with the last element.
  Wake& take_any(std::uint32_t index) {
    Wake& wake = *entries_[index];
    swap_remove(index);
    return wake;
  }
  void swap_remove(std::uint32_t index) {
    entries_[index]->where_ = Wake::Where::kNowhere;
    Wake* last = entries_.back();
    entries_[index] = last;
    last->position_ = index;
    entries_.pop_back();
    --live_;
  }

  // In order: a hole stays until the front has passed it.
  Wake& take_oldest() {
    Wake* wake;
    do wake = entries_[head_++];
    while (wake == nullptr);
    wake->where_ = Wake::Where::kNowhere;
    --live_;
    if (head_ == entries_.size()) clear();
    return *wake;
  }
  void leave_hole(std::uint32_t index) {
    entries_[index]->where_ = Wake::Where::kNowhere;
    entries_[index] = nullptr;
    if (--live_ == 0) clear();
  }

 private:
  static constexpr std::size_t kCompactAt = 1024;

  void clear() {
    entries_.clear();
    head_ = 0;
  }
  // For a list that is taken in order and never runs empty, which would otherwise grow for ever.
  void compact() {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
    for (Wake* wake : entries_) {
      if (wake != nullptr) wake->position_ -= static_cast<std::uint32_t>(head_);
    }
    head_ = 0;
  }

  std::vector<Wake*> entries_;
  std::size_t head_ = 0;  // everything before it has been taken; always 0 when taken in any order
  std::size_t live_ = 0;
};

}  // namespace reliant

// Ring<T>: a queue in one block of memory that doubles when it is full and never shrinks. Unlike std::deque
// it allocates nothing while its length stays within what it has been. T moves; empty places hold nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace reliant {

template <class T>
class Ring {
 public:
  bool empty() const noexcept { return head_ == tail_; }
  std::size_t size() const noexcept { return tail_ - head_; }
  T& front() noexcept { return *places_[index(head_)]; }  // not on an empty ring
  // The i-th from the front; i < size().
  T& operator[](std::size_t i) noexcept { return *places_[index(head_ + i)]; }

  void push(T value) {
    if (size() == places_.size()) [[unlikely]]
      grow();
    places_[index(tail_)].emplace(std::move(value));
    ++tail_;
  }
  T pop() {
    RELIANT_ASSERT(!empty(), "pop from an empty Ring");
    std::optional<T>& place = places_[index(head_)];
    T value = std::move(*place);
    place.reset();
    ++head_;
    return value;
  }
  void clear() {
    while (!empty()) places_[index(head_++)].reset();
  }

 private:
  std::size_t index(std::size_t position) const noexcept { return position & (places_.size() - 1); }
  void grow() {
    std::vector<std::optional<T>> larger(places_.empty() ? 4 : places_.size() * 2);
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) larger[i] = std::move(places_[index(head_ + i)]);
    places_ = std::move(larger);
    head_ = 0;
    tail_ = count;
  }

  std::vector<std::optional<T>> places_;  // a power of two
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace reliant

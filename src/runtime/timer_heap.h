// TimerHeap: what will become ready, by time. A 4-ary heap whose elements know their place, so that a timer
// whose frame is destroyed leaves at once: no tombstones, nothing to fire into the void.
//
// Timers of the same instant come out in an order that follows from the history of operations alone, never
// from addresses. Part of the executor; not for other code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/wake.h"

namespace reliant {

class TimerHeap {
 public:
  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }
  Instant first() const noexcept { return entries_.front().when; }  // not on an empty heap
  bool due(Instant now) const noexcept { return !entries_.empty() && entries_.front().when <= now; }

  void insert(Wake& wake, Instant when) {
    wake.where_ = Wake::Where::kTimer;
    entries_.push_back({when, &wake});
    sift_up(static_cast<std::uint32_t>(entries_.size() - 1), {when, &wake});
  }

  // In unspecified order; `look` must neither add nor remove elements.
  template <class Look>
  void for_each(Look look) {
    for (const Entry& entry : entries_) look(*entry.wake, entry.when);
  }

  Wake& take_first() {
    Wake& wake = *entries_.front().wake;
    erase(0);
    return wake;
  }

  void erase(std::uint32_t index) {
    entries_[index].wake->where_ = Wake::Where::kNowhere;
    const Entry moved = entries_.back();
    entries_.pop_back();
    if (index == entries_.size()) return;
    if (index > 0 && entries_[parent(index)].when > moved.when) return sift_up(index, moved);
    sift_down(index, moved);
  }

 private:
  static constexpr std::uint32_t kArity = 4;
  struct Entry {
    Instant when;
    Wake* wake;
  };

  static constexpr std::uint32_t parent(std::uint32_t index) { return (index - 1) / kArity; }

  void place(std::uint32_t index, Entry entry) {
    entries_[index] = entry;
    entry.wake->position_ = index;
  }

  void sift_up(std::uint32_t index, Entry entry) {
    while (index > 0) {
      const std::uint32_t above = parent(index);
      if (entries_[above].when <= entry.when) break;
      place(index, entries_[above]);
      index = above;
    }
    place(index, entry);
  }

  void sift_down(std::uint32_t index, Entry entry) {
    const auto size = static_cast<std::uint32_t>(entries_.size());
    for (;;) {
      const std::uint32_t first_child = kArity * index + 1;
      if (first_child >= size) break;
      const std::uint32_t end = first_child + kArity < size ? first_child + kArity : size;
      std::uint32_t least = first_child;
      for (std::uint32_t child = first_child + 1; child < end; ++child) {
        if (entries_[child].when < entries_[least].when) least = child;
      }
      if (entries_[least].when >= entry.when) break;
      place(index, entries_[least]);
      index = least;
    }
    place(index, entry);
  }

  std::vector<Entry> entries_;
};

}  // namespace reliant

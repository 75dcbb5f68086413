// Waiter and WaitList: a coroutine that waits for another, and those that wait for one thing, oldest first.
//
// Waking only reserves: `pop_ready` takes the waiter off the list and makes it ready, and whatever it waited
// for happens when it resumes. A waiter that is destroyed in between has had no effect. A list that is
// destroyed lets its waiters go: they stay suspended until their frames are destroyed, and their deadlines no
// longer fire.
#pragma once

#include <coroutine>
#include <utility>

#include "runtime/executor.h"
#include "runtime/list.h"

namespace reliant {

class WaitList;

class Waiter : public ListNode {
 protected:
  Waiter() = default;
  Waiter(Waiter&& other) noexcept : wake_(std::move(other.wake_)) {}  // before it waits

  // Waits in `list` for `handle` to be resumed, at `deadline` the latest.
  template <class P>
  void wait_in(WaitList& list, std::coroutine_handle<P> handle, Instant deadline = kNever);

 private:
  friend class WaitList;
  Wake wake_;
};

class WaitList {
 public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  ~WaitList() {
    while (!list_.empty()) {
      Waiter& waiter = front();
      waiter.unlink();
      waiter.wake_.cancel();
    }
  }

  bool empty() const noexcept { return list_.empty(); }
  Waiter& front() noexcept { return static_cast<Waiter&>(list_.front()); }
  void push_back(Waiter& waiter) noexcept { list_.push_back(waiter); }
  Waiter& pop_ready() {
    Waiter& waiter = front();
    waiter.unlink();
    waiter.wake_.ready();
    return waiter;
  }
  // Takes the oldest and resumes it within the current step, to save one: when the event that completes a
  // wait was itself the choice. Only as the last act of a `Wake` callback, and not on an empty list.
  void pop_resume_now() {
    Waiter& waiter = front();
    waiter.unlink();
    waiter.wake_.context().executor->resume_now(waiter.wake_);
  }
  void wake_all() {
    while (!empty()) pop_ready();
  }

 private:
  List list_;
};

template <class P>
void Waiter::wait_in(WaitList& list, std::coroutine_handle<P> handle, Instant deadline) {
  wake_.bind(*handle.promise().context, handle);
  list.push_back(*this);
  if (deadline != kNever) wake_.at(deadline);
}

}  // namespace reliant

// Channel<T>: a bounded queue between coroutines. Senders wait while it is full, receivers while it is empty,
// both in the order in which they came. `close` ends it: what is in it can still be received.
//
// Waking only reserves. A woken receiver holds a claim on one item, a woken sender on one place; the item
// moves when it resumes. Destroyed before that, it gives the claim to the next: no item is lost or doubled by
// a deadline, a race, a cancel or a crash. (A task that awaits again after it has received an item may be
// destroyed with it.)
//
// Belongs to one executor's thread. It must outlive the waiters it has woken (checked); the others are
// detached, and wait until their frames are destroyed. No errors but "closed" and "late", which are values.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "runtime/ring.h"
#include "runtime/waiter.h"

namespace reliant {

template <class T>
class Channel {
 public:
  class [[nodiscard]] Recv final : private Waiter {
   public:
    Recv(Channel& channel, Instant deadline) noexcept : channel_(channel), deadline_(deadline) {}
    Recv(Recv&&) noexcept = default;
    ~Recv() {
      if (!claimed_) return;
      --channel_.receive_claims_;
      channel_.grant();
    }
    bool await_ready() const noexcept { return channel_.unclaimed_items() > 0 || channel_.closed_; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      wait_in(channel_.receivers_, handle, deadline_);
    }
    std::optional<T> await_resume() {
      unlink();
      if (std::exchange(claimed_, false)) {
        --channel_.receive_claims_;
      } else if (channel_.unclaimed_items() == 0) {
        return std::nullopt;
      }
      return channel_.take();
    }

   private:
    friend class Channel;
    Channel& channel_;
    Instant deadline_;
    bool claimed_ = false;
  };

  class [[nodiscard]] Send final : private Waiter {
   public:
    Send(Channel& channel, T value, Instant deadline) noexcept
        : channel_(channel), deadline_(deadline), value_(std::move(value)) {}
    Send(Send&&) noexcept = default;
    ~Send() {
      if (!claimed_) return;
      --channel_.send_claims_;
      channel_.grant();
    }
    bool await_ready() const noexcept { return channel_.closed_ || channel_.unclaimed_room() > 0; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      wait_in(channel_.senders_, handle, deadline_);
    }
    bool await_resume() {
      unlink();
      const bool may_send = claimed_ || channel_.unclaimed_room() > 0;
      if (std::exchange(claimed_, false)) --channel_.send_claims_;
      if (channel_.closed_ || !may_send) return false;
      channel_.put(std::move(value_));
      return true;
    }

   private:
    friend class Channel;
    Channel& channel_;
    Instant deadline_;
    T value_;
    bool claimed_ = false;
  };

  explicit Channel(std::size_t capacity) : capacity_(capacity) {
    RELIANT_ASSERT(capacity > 0, "a Channel holds at least one item");
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() { RELIANT_ASSERT(receive_claims_ == 0 && send_claims_ == 0, "a Channel must outlive those it has woken"); }

  // Nullopt: closed and empty, or `deadline` came first (`closed()` tells them apart).
  Recv recv(Instant deadline = kNever) { return Recv(*this, deadline); }
  // False: closed, or `deadline` came first; the value is dropped.
  Send send(T value, Instant deadline = kNever) { return Send(*this, std::move(value), deadline); }

  // Without waiting, also from outside of coroutines. False: full or closed, and `value` is untouched.
  bool try_send(T&& value) {
    if (closed_ || unclaimed_room() == 0) return false;
    put(std::move(value));
    return true;
  }
  std::optional<T> try_recv() {
    if (unclaimed_items() == 0) return std::nullopt;
    return take();
  }

  // Senders end with false; receivers take what is left, then end with nullopt. May be called again.
  void close() {
    closed_ = true;
    receivers_.wake_all();
    senders_.wake_all();
  }
  bool closed() const noexcept { return closed_; }

  std::size_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return items_.empty(); }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  std::size_t unclaimed_items() const noexcept { return items_.size() - receive_claims_; }
  std::size_t unclaimed_room() const noexcept { return capacity_ - items_.size() - send_claims_; }

  void put(T value) {
    items_.push(std::move(value));
    grant();
  }
  std::optional<T> take() {
    std::optional<T> value(items_.pop());
    grant();
    return value;
  }
  void grant() {
    while (unclaimed_items() > 0 && !receivers_.empty()) {
      static_cast<Recv&>(receivers_.pop_ready()).claimed_ = true;
      ++receive_claims_;
    }
    while (!closed_ && unclaimed_room() > 0 && !senders_.empty()) {
      static_cast<Send&>(senders_.pop_ready()).claimed_ = true;
      ++send_claims_;
    }
  }

  std::size_t capacity_;
  std::size_t receive_claims_ = 0;
  std::size_t send_claims_ = 0;
  bool closed_ = false;
  Ring<T> items_;
  WaitList receivers_;
  WaitList senders_;
};

}  // namespace reliant

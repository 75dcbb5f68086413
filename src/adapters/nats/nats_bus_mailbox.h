// NatsBusMailbox: what nats.c's threads and the client's own have to tell the logic thread, in the order in which it came.
//
// It needs no bound: after each read of the socket the logic thread has its turn before the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "ports/bus.h"

namespace reliant::adapters {

class NatsBusConnection;

struct NatsBusEvent {
  enum class Kind : std::uint8_t { kConnected, kLost, kWrite, kMessage, kNoResponders, kDrained, kFlushed, kComplaint, kClosed };
  Kind kind;
  std::uint64_t number = 0;  // of a subscription, of a desk, of a flush
  std::uint64_t life = 0;
  std::size_t size = 0;  // the largest payload
  std::string text = {};
  ports::BusMessage message = {};
  std::shared_ptr<NatsBusConnection> connection = nullptr;
};

class NatsBusMailbox final : public std::enable_shared_from_this<NatsBusMailbox> {
 public:
  using Reader = std::function<void(NatsBusEvent)>;

  // `reader` is called on the logic thread.
  NatsBusMailbox(AsioExecutor& executor, Reader reader) : executor_(&executor), reader_(std::move(reader)) {}

  // From any thread.
  void put(NatsBusEvent event) {
    const std::lock_guard lock(mutex_);
    if (add(std::move(event))) executor_->post([self = shared_from_this()] { self->hand_over(); });
  }

  // From any thread: whether it is the logic thread.
  bool on_logic_thread() {
    const std::lock_guard lock(mutex_);
    return executor_ != nullptr && executor_->runs_here();
  }

  // On the logic thread: nobody reads any more.
  void leave() {
    const std::lock_guard lock(mutex_);
    executor_ = nullptr;
    reader_ = nullptr;
    events_.clear();  // one may hold a connection, which holds this
  }

 private:
  // True: it is the first that waits to be handed over.
  bool add(NatsBusEvent event) {
    if (executor_ == nullptr) return false;
    events_.push_back(std::move(event));
    return !std::exchange(posted_, true);
  }
  void hand_over() {
    std::vector<NatsBusEvent> events;
    {
      const std::lock_guard lock(mutex_);
      events.swap(events_);
      posted_ = false;
    }
    for (NatsBusEvent& event : events) {
      if (reader_ != nullptr) reader_(std::move(event));
    }
  }

  std::mutex mutex_;
  std::vector<NatsBusEvent> events_;
  bool posted_ = false;
  AsioExecutor* executor_;  // null: left, which is said on the logic thread
  Reader reader_;           // written on the logic thread only, where it is read
};

}  // namespace reliant::adapters

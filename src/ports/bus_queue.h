// What every Bus has behind a subscription: the messages that have come and wait for next(), and how the subscription ends.
// Solves: queue, end and slow consumer are the same whatever the bus; how interest ends is each bus's own (end, drain).
//
// Owner: the subscription and its bus together; either may go first. Executor: the logic thread. Fails as ports/bus.h says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "ports/bus.h"
#include "runtime/channel.h"
#include "runtime/event.h"

namespace reliant::ports {

class BusQueue {
 public:
  // `handed_out`, of the bus, is set whenever a queue has run empty: its drain() waits for that.
  BusQueue(std::size_t max_pending, std::shared_ptr<Event> handed_out)
      : pending_(max_pending), handed_out_(std::move(handed_out)) {}
  BusQueue(const BusQueue&) = delete;
  BusQueue& operator=(const BusQueue&) = delete;
  virtual ~BusQueue() = default;

  // Ends the interest at once. It may have ended already.
  virtual void end() = 0;
  // As end(), or after what is on its way has come.
  virtual void drain() { end(); }

  // False: too many wait, or it is closed.
  bool add(BusMessage message) { return pending_.try_send(std::move(message)); }
  void count_dropped(std::uint64_t count) { dropped_ += count; }
  std::uint64_t dropped() const { return dropped_; }
  // Nothing more comes in; what has come stays.
  void close() { pending_.close(); }
  std::size_t size() const { return pending_.size(); }
  bool empty() const { return pending_.empty(); }

 private:
  friend class QueuedSubscription;

  Channel<BusMessage> pending_;
  std::shared_ptr<Event> handed_out_;
  std::uint64_t dropped_ = 0;
};

class QueuedSubscription final : public BusSubscription {
 public:
  explicit QueuedSubscription(std::shared_ptr<BusQueue> queue) : queue_(std::move(queue)) {}
  QueuedSubscription(const QueuedSubscription&) = delete;
  QueuedSubscription& operator=(const QueuedSubscription&) = delete;
  ~QueuedSubscription() override;

  Task<Result<BusMessage>> next(Instant deadline) override;
  Status drain() override;
  std::uint64_t dropped() const override { return queue_->dropped(); }

 private:
  std::shared_ptr<BusQueue> queue_;
};

}  // namespace reliant::ports

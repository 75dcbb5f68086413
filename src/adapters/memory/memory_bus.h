// MemoryBus: the Bus inside of one process, for the monolith and for tests. The same interest table, checks and
// no-responders answer as NATS; what is published is in its subscriptions' queues when publish() returns.
//
// A MemoryBusServer is what clients share; every MemoryBus is one connection to it (the monolith has one for all roles).
// Owner: the composition root; the server outlives its buses. Subscriptions may outlive both, and are closed then.
// Executor: the waiting task's. Fails on bad input and after drain() only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/status.h"
#include "model/interest.h"
#include "ports/bus.h"
#include "runtime/event.h"
#include "runtime/random.h"
#include "runtime/task.h"

namespace reliant::adapters {

class MemoryBus;

class MemoryBusServer {
 public:
  static constexpr std::size_t kMaxPayload = std::size_t{1} << 20;  // NATS' default

  // `random` picks the member of a queue group.
  explicit MemoryBusServer(Random random, std::size_t max_payload = kMaxPayload) : random_(random), max_payload_(max_payload) {}
  MemoryBusServer(const MemoryBusServer&) = delete;
  MemoryBusServer& operator=(const MemoryBusServer&) = delete;
  ~MemoryBusServer();

 private:
  friend class MemoryBus;
  struct Subscriber;

  void publish(const MemoryBus& publisher, const ports::BusMessage& message);
  std::shared_ptr<Subscriber> subscribe(MemoryBus& bus, const ports::SubscribeOptions& options);
  // Nothing more comes in; what has come stays.
  void close(Subscriber& subscriber);

  Random random_;
  std::size_t max_payload_;
  std::size_t buses_ = 0;
  std::uint64_t last_bus_ = 0;
  model::InterestId last_id_ = 0;
  model::Interest interest_;
  std::map<model::InterestId, std::shared_ptr<Subscriber>> subscribers_;
};

class MemoryBus final : public ports::Bus {
 public:
  explicit MemoryBus(MemoryBusServer& server);
  MemoryBus(const MemoryBus&) = delete;
  MemoryBus& operator=(const MemoryBus&) = delete;
  ~MemoryBus() override;

  Status publish(ports::BusMessage message) override;
  Result<std::unique_ptr<ports::BusSubscription>> subscribe(ports::SubscribeOptions options) override;
  Task<Result<ports::BusMessage>> request(ports::BusMessage message, Instant deadline) override;
  std::string new_inbox() override;
  Task<Status> flush(Instant deadline) override;
  Task<Status> drain(Instant deadline) override;
  std::size_t max_payload() const override { return server_.max_payload_; }

 private:
  friend class MemoryBusServer;

  bool has_pending() const;
  void close_subscriptions();

  MemoryBusServer& server_;
  std::uint64_t number_;
  std::uint64_t last_inbox_ = 0;
  bool draining_ = false;
  bool closed_ = false;
  // Of this bus, also those that were closed and still have messages to hand out.
  std::map<model::InterestId, std::weak_ptr<MemoryBusServer::Subscriber>> subscribers_;
  std::shared_ptr<Event> handed_out_ = std::make_shared<Event>();  // some subscription ran empty
};

}  // namespace reliant::adapters

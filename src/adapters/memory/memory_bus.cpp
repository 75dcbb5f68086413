#include "adapters/memory/memory_bus.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "ports/bus_queue.h"

namespace reliant::adapters {

struct MemoryBusServer::Subscriber final : ports::BusQueue {
  Subscriber(model::InterestId interest, MemoryBus& bus, MemoryBusServer& where, std::size_t max_pending)
      : BusQueue(max_pending, bus.handed_out_), id(interest), owner(&bus), server(&where) {}
  void end() override {
    if (server != nullptr) server->close(*this);
  }

  model::InterestId id;
  const MemoryBus* owner;   // to be compared only
  MemoryBusServer* server;  // null: closed
};

MemoryBusServer::~MemoryBusServer() { RELIANT_ASSERT(buses_ == 0, "a MemoryBusServer must outlive its buses"); }

void MemoryBusServer::publish(const MemoryBus& publisher, const ports::BusMessage& message) {
  const model::InterestMatch match = interest_.match(message.subject);
  const auto deliver = [this](model::InterestId id, ports::BusMessage copy) {
    Subscriber& subscriber = *subscribers_.at(id);
    if (!subscriber.add(std::move(copy))) subscriber.count_dropped(1);
  };
  for (const model::InterestId id : match.plain) deliver(id, message);
  for (const model::InterestGroup& group : match.groups) {
    const std::uint64_t member = random_.below(group.members.size());
    deliver(group.members[member], message);
  }
  if (!match.empty() || message.reply_to.empty()) return;
  // The server tells the publisher alone, and of its subscriptions one.
  const std::vector<model::InterestId> inboxes = interest_.match(message.reply_to).plain;
  const auto own =
      std::ranges::find_if(inboxes, [&](model::InterestId id) { return subscribers_.at(id)->owner == &publisher; });
  if (own != inboxes.end()) deliver(*own, ports::no_responders_message(message.reply_to));
}

std::shared_ptr<MemoryBusServer::Subscriber> MemoryBusServer::subscribe(MemoryBus& bus,
                                                                        const ports::SubscribeOptions& options) {
  const model::InterestId id = ++last_id_;
  auto subscriber = std::make_shared<Subscriber>(id, bus, *this, options.max_pending);
  interest_.add(id, options.subject, options.queue_group);
  subscribers_.emplace(id, subscriber);
  return subscriber;
}

void MemoryBusServer::close(Subscriber& subscriber) {
  interest_.remove(subscriber.id);
  subscriber.server = nullptr;
  subscriber.close();
  subscribers_.erase(subscriber.id);  // the caller holds it
}

MemoryBus::MemoryBus(MemoryBusServer& server) : server_(server), number_(++server.last_bus_) { ++server.buses_; }

MemoryBus::~MemoryBus() {
  close_subscriptions();
  --server_.buses_;
}

Status MemoryBus::publish(ports::BusMessage message) {
  if (closed_) return unavailable("the bus was drained");
  TRY_OK(ports::check_publish(message, max_payload()));
  server_.publish(*this, message);
  return ok_status();
}

Result<std::unique_ptr<ports::BusSubscription>> MemoryBus::subscribe(ports::SubscribeOptions options) {
  if (closed_ || draining_) return unavailable("the bus was drained");
  TRY_OK(ports::check_subscribe(options));
  std::erase_if(subscribers_, [](const auto& known) { return known.second.expired(); });
  std::shared_ptr<MemoryBusServer::Subscriber> subscriber = server_.subscribe(*this, options);
  subscribers_.emplace(subscriber->id, subscriber);
  return std::make_unique<ports::QueuedSubscription>(std::move(subscriber));
}

Task<Result<ports::BusMessage>> MemoryBus::request(ports::BusMessage message, Instant deadline) {
  ports::SubscribeOptions inbox;
  inbox.subject = new_inbox();
  inbox.max_pending = 1;
  const std::string subject = message.subject;
  message.reply_to = inbox.subject;
  CO_TRY_ASSIGN(const std::unique_ptr<ports::BusSubscription> answers, subscribe(std::move(inbox)));
  CO_TRY_OK(publish(std::move(message)));
  CO_TRY_ASSIGN(ports::BusMessage answer, co_await answers->next(deadline));
  if (ports::is_no_responders(answer)) co_return ports::no_responders_error(subject);
  co_return answer;
}

std::string MemoryBus::new_inbox() { return concat("_INBOX.", number_, '.', ++last_inbox_); }

Task<Status> MemoryBus::flush(Instant) {
  if (closed_) co_return unavailable("the bus was drained");
  co_return ok_status();
}

Task<Status> MemoryBus::drain(Instant deadline) {
  if (closed_) co_return unavailable("the bus was drained");
  draining_ = true;
  close_subscriptions();
  bool in_time = true;
  while (in_time && has_pending()) {
    handed_out_->reset();
    in_time = co_await handed_out_->wait(deadline);
  }
  closed_ = true;
  if (!in_time) co_return deadline_exceeded("messages were still waiting for next() when the time was over");
  co_return ok_status();
}

bool MemoryBus::has_pending() const {
  for (const auto& [id, known] : subscribers_) {
    const std::shared_ptr<MemoryBusServer::Subscriber> subscriber = known.lock();
    if (subscriber != nullptr && !subscriber->empty()) return true;
  }
  return false;
}

void MemoryBus::close_subscriptions() {
  for (const auto& [id, known] : subscribers_) {
    const std::shared_ptr<MemoryBusServer::Subscriber> subscriber = known.lock();
    if (subscriber != nullptr && subscriber->server != nullptr) server_.close(*subscriber);
  }
}

}  // namespace reliant::adapters

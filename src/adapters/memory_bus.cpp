#include "adapters/memory_bus.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "runtime/channel.h"

namespace reliant::adapters {

struct MemoryBusServer::Subscriber {
  Subscriber(model::InterestId interest, MemoryBus& bus, MemoryBusServer& where, std::size_t max_pending)
      : id(interest), owner(&bus), server(&where), handed_out(bus.handed_out_), pending(max_pending) {}

  model::InterestId id;
  const MemoryBus* owner;   // to be compared only
  MemoryBusServer* server;  // null: closed
  std::shared_ptr<Event> handed_out;
  std::uint64_t dropped = 0;
  Channel<ports::BusMessage> pending;
};

class MemoryBusSubscription final : public ports::BusSubscription {
 public:
  explicit MemoryBusSubscription(std::shared_ptr<MemoryBusServer::Subscriber> subscriber)
      : subscriber_(std::move(subscriber)) {}
  ~MemoryBusSubscription() override {
    close();
    while (subscriber_->pending.try_recv()) {
    }
    subscriber_->handed_out->set();
  }

  Task<Result<ports::BusMessage>> next(Instant deadline) override {
    std::optional<ports::BusMessage> message = co_await subscriber_->pending.recv(deadline);
    if (message) {
      if (subscriber_->pending.empty()) subscriber_->handed_out->set();
      co_return *std::move(message);
    }
    if (subscriber_->pending.closed()) co_return unavailable("the subscription was closed");
    co_return deadline_exceeded("no message came in time");
  }

  Status drain() override {
    close();
    return ok_status();
  }

  std::uint64_t dropped() const override { return subscriber_->dropped; }

 private:
  void close() {
    if (subscriber_->server != nullptr) subscriber_->server->close(*subscriber_);
  }

  std::shared_ptr<MemoryBusServer::Subscriber> subscriber_;
};

MemoryBusServer::~MemoryBusServer() {
  RELIANT_ASSERT(buses_ == 0, "a MemoryBusServer must outlive its buses");
}

void MemoryBusServer::publish(const MemoryBus& publisher, const ports::BusMessage& message) {
  const model::InterestMatch match = interest_.match(message.subject);
  const auto deliver = [this](model::InterestId id, ports::BusMessage copy) {
    Subscriber& subscriber = *subscribers_.at(id);
    if (!subscriber.pending.try_send(std::move(copy))) ++subscriber.dropped;
  };
  for (const model::InterestId id : match.plain) deliver(id, message);
  for (const model::InterestGroup& group : match.groups) {
    const std::uint64_t member = random_.below(group.members.size());
    deliver(group.members[member], message);
  }
  if (!match.empty() || message.reply_to.empty()) return;
  // The server tells the publisher alone, and of its subscriptions one.
  const std::vector<model::InterestId> inboxes = interest_.match(message.reply_to).plain;
  const auto own = std::ranges::find_if(
      inboxes, [&](model::InterestId id) { return subscribers_.at(id)->owner == &publisher; });
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
  subscriber.pending.close();
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
  return std::make_unique<MemoryBusSubscription>(std::move(subscriber));
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
    if (subscriber != nullptr && !subscriber->pending.empty()) return true;
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

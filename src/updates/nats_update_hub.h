// NatsUpdateHub: the UpdateHub over the bus (R58): a notice on `updates.{user}.{chat}` reaches every api replica that has
// a client on that chat. Core NATS may lose one; readers poll the database now and then, so it costs time only.
#pragma once

#include <memory>

#include "base/event_log.h"
#include "ports/bus.h"
#include "updates/update_hub.h"

namespace reliant::updates {

class NatsUpdateHub final : public UpdateHub {
 public:
  // Both outlive the hub and its subscriptions.
  NatsUpdateHub(ports::Bus& bus, EventLog& log) : bus_(bus), log_(log) {}

  void publish(const UserId& user, const ChatId& chat, std::uint64_t sequence) override;
  Result<std::unique_ptr<UpdateSubscription>> subscribe(const UserId& user, const ChatId& chat) override;

 private:
  ports::Bus& bus_;
  EventLog& log_;
};

}  // namespace reliant::updates

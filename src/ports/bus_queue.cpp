#include "ports/bus_queue.h"

#include <optional>

namespace reliant::ports {

QueuedSubscription::~QueuedSubscription() {
  queue_->end();
  while (queue_->pending_.try_recv()) {}
  queue_->handed_out_->set();
}

Task<Result<BusMessage>> QueuedSubscription::next(Instant deadline) {
  std::optional<BusMessage> message = co_await queue_->pending_.recv(deadline);
  if (message) {
    if (queue_->empty()) queue_->handed_out_->set();
    co_return *std::move(message);
  }
  if (queue_->pending_.closed()) co_return unavailable("the subscription was closed");
  co_return deadline_exceeded("no message came in time");
}

Status QueuedSubscription::drain() {
  queue_->drain();
  return ok_status();
}

}  // namespace reliant::ports

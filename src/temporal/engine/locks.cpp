#include "temporal/engine/locks.h"

namespace reliant::temporal::engine {

WorkflowLocks::Guard::~Guard() {
  if (locks_ == nullptr) return;
  if (held_) slot_->second.turn.try_send({});
  if (--slot_->second.users == 0) locks_->slots_.erase(slot_);
}

Task<std::optional<WorkflowLocks::Guard>> WorkflowLocks::lock(std::string key, Instant deadline) {
  const auto [slot, fresh] = slots_.try_emplace(std::move(key));
  if (fresh) slot->second.turn.try_send({});
  Guard guard(*this, slot);
  const auto turn = co_await slot->second.turn.recv(deadline);
  if (!turn) co_return std::nullopt;
  guard.held_ = true;
  co_return std::optional<Guard>(std::move(guard));
}

}  // namespace reliant::temporal::engine

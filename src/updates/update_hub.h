// UpdateHub: tells the api replicas that a chat has new updates (R24, R40, R58). The updates themselves are in the
// database before anything is published, so a notice carries only the last sequence: a lost notice costs time, never data,
// because a reader always reads on from the last sequence that it delivered.
//
// MemoryUpdateHub serves one process, NatsUpdateHub all replicas over the bus. Executor: the logic thread.
#pragma once

#include <cstdint>
#include <memory>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::updates {

class UpdateSubscription {
 public:
  virtual ~UpdateSubscription() = default;  // unsubscribes
  // The highest sequence announced since the last call (notices in between are folded into one), or 0: look, the hub
  // cannot say how far; so it is once when the interest has taken effect, for what was announced before. DEADLINE_EXCEEDED: none
  // came; read the database anyway now and then. UNAVAILABLE: the hub was closed; subscribe again.
  virtual Task<Result<std::uint64_t>> next(Instant deadline) = 0;
};

class UpdateHub {
 public:
  virtual ~UpdateHub() = default;
  // After the commit. Never fails: what cannot be published is found by the readers' own polling.
  virtual void publish(const UserId& user, const ChatId& chat, std::uint64_t sequence) = 0;
  virtual Result<std::unique_ptr<UpdateSubscription>> subscribe(const UserId& user, const ChatId& chat) = 0;
};

}  // namespace reliant::updates

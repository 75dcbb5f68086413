// BusSigner: signs what a server says to gateways over the bus. Owner: the composition root; references outlive it. Executor: the
// logic thread.
#pragma once

#include "auth/bus_signature.h"
#include "auth/key_ring.h"
#include "runtime/random.h"

namespace reliant::auth {

class BusSigner {
 public:
  // `clock` tells the database's time. `random` makes nonces: each of its own process and life.
  BusSigner(KeyRing& keys, Clock& clock, Random random) : keys_(keys), clock_(clock), random_(random) {}

  // Of a message that is complete but for this. UNAVAILABLE: there is no key until `deadline`, the message must not be sent.
  Task<Status> sign(ports::BusMessage& message, SignedKind kind, Instant deadline) {
    CO_TRY_ASSIGN(const store::SigningKey key, co_await keys_.current(deadline));
    auth::sign(message, kind, key, clock_.wall_now() + kSignatureLife, random_.hex(16));
    co_return ok_status();
  }

 private:
  KeyRing& keys_;
  Clock& clock_;
  Random random_;
};

}  // namespace reliant::auth

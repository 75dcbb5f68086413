// BusGuard: which messages of the bus a gateway acts on: those that a server with the database's key has signed, that have not expired,
// and that have not been acted upon before. All others are dropped without an answer, since who sent them decides where it would
// go; the log says so, at a limited rate.
//
// Expiry is judged by the database's time. A nonce is remembered until its message has expired, at most kMaxNonces of them: beyond
// that, messages are refused, which only authentic senders can bring about. Owner: NatsToolBridge. Executor: the logic thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "auth/bus_signature.h"
#include "auth/key_ring.h"
#include "base/event_log.h"
#include "ports/bus.h"
#include "runtime/clock.h"
#include "runtime/task.h"

namespace reliant::gateway {

class BusGuard {
 public:
  static constexpr Duration kLookUpTimeout = std::chrono::seconds(3);  // of a key that is not known yet
  static constexpr Duration kLogEvery = std::chrono::seconds(10);      // of refused messages
  static constexpr std::size_t kMaxNonces = std::size_t{1} << 17;

  enum class Unsigned : std::uint8_t { kRefused, kAccepted };

  BusGuard(Clock& clock, EventLog& log, auth::KeyRing& keys) : clock_(clock), log_(log), keys_(keys) {}

  // Whether the message may be read at all. `what` is for those without a signature.
  Task<bool> admits(const ports::BusMessage& message, auth::SignedKind kind, Unsigned what);
  // Before it is acted upon: false when that was done already.
  bool takes_first_time(const ports::BusMessage& message);
  // A message that says another thing than its subject, for the log.
  void refuse(const ports::BusMessage& message, std::string_view why);

 private:
  Task<Status> check(const ports::BusMessage& message, auth::SignedKind kind, Unsigned what);
  void forget_expired();

  Clock& clock_;
  EventLog& log_;
  auth::KeyRing& keys_;
  using Nonce = std::pair<std::string, std::string>;  // of a key
  std::set<Nonce> nonces_;
  std::deque<std::pair<Instant, Nonce>> by_age_;
  Instant next_log_{};
  std::uint64_t not_logged_ = 0;
};

}  // namespace reliant::gateway

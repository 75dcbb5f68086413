// KeyRing: a server's copy of the keys with which servers sign their bus messages to gateways. The keys are in the
// database; the first server that needs one makes it, and each that finds the newest one too old makes the next (store/signing_keys.h).
//
// It reads them when it starts, every kReadEvery, and when a message names an unknown key, but no more often than every
// kReadAgain, so that a flood of unknown keys does not reach the database. Without a database it goes on for kMaxAge with the
// keys that it has read. Owner: the composition root; references outlive it. Executor: the logic thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/secret_source.h"
#include "base/event_log.h"
#include "base/status.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "store/signing_keys.h"

namespace reliant::auth {

class KeyRing {
 public:
  static constexpr Duration kReadEvery = std::chrono::minutes(1);
  static constexpr Duration kReadAgain = std::chrono::seconds(1);
  static constexpr Duration kMaxAge = std::chrono::minutes(10);
  // Every server has read a new key before it is signed with, and takes an old one for longer than its signatures hold.
  static constexpr store::KeyRotation kRotation{
      .every = std::chrono::hours(24), .known_after = std::chrono::minutes(3), .kept = std::chrono::hours(1)};
  static constexpr Duration kOverlap = std::chrono::minutes(10);
  static constexpr std::size_t kMaxWaiting = 64;  // callers of find() that wait for the database

  // `clock` tells the database's time (store/database_clock.h).
  KeyRing(Context& context, Clock& clock, EventLog& log, store::SigningKeys& keys, SecretSource& secrets);

  // To sign with. UNAVAILABLE: the database has not said yet, or not for kMaxAge, until `deadline`.
  Task<Result<store::SigningKey>> current(Instant deadline);
  // NOT_FOUND: there is no such key, or it was retired longer than kOverlap ago. UNAVAILABLE: as current(), or too many wait.
  Task<Result<store::SigningKey>> find(std::string id, Instant deadline);

 private:
  Task<void> keep();
  Task<Status> read();
  bool fresh() const;
  const store::SigningKey* known(std::string_view id) const;
  const store::SigningKey* newest() const;

  Clock& clock_;
  EventLog& log_;
  store::SigningKeys& stored_;
  SecretSource& secrets_;
  std::vector<store::SigningKey> keys_;  // oldest first
  Instant read_at_{};
  std::uint64_t reads_begun_ = 0;
  std::uint64_t reads_ended_ = 0;
  std::size_t waiting_ = 0;
  Event wanted_;
  Event was_read_;   // or the attempt has failed
  TaskScope scope_;  // last: its task uses everything above
};

}  // namespace reliant::auth

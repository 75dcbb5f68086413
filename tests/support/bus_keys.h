// BusKeys: signing keys for tests of what goes over the bus, in a database in memory of their own.
#pragma once

#include <cstdint>
#include <memory>

#include "adapters/sqlite/sqlite_database.h"
#include "auth/bus_signer.h"
#include "auth/key_ring.h"
#include "base/assert.h"
#include "base/event_log.h"
#include "runtime/context.h"
#include "store/schema.h"
#include "store/signing_keys.h"

namespace reliant::tests {

class BusKeys {
 public:
  BusKeys(Context& context, Clock& clock, EventLog& log) : transactor_(*database_, clock, Random(1)) {
    Task<Status> migrated = store::migrate(transactor_, kNever);
    migrated.start(context);
    RELIANT_ASSERT(migrated.done() && migrated.result().ok(), "a database in memory answers at once");
    ring_ = std::make_unique<auth::KeyRing>(context, clock, log, keys_, secrets_);
    signer_ = std::make_unique<auth::BusSigner>(*ring_, clock, Random(2));
  }

  auth::KeyRing& ring() { return *ring_; }
  auth::BusSigner& signer() { return *signer_; }
  store::SigningKeys& stored() { return keys_; }

 private:
  class Secrets final : public auth::SecretSource {
   public:
    std::array<std::byte, auth::kTokenBytes> next() override {
      std::array<std::byte, auth::kTokenBytes> secret{};
      secret.fill(std::byte{++count_});
      return secret;
    }

   private:
    std::uint8_t count_ = 0;
  };

  std::unique_ptr<adapters::SqliteDatabase> database_ = *adapters::SqliteDatabase::open(":memory:");
  store::Transactor transactor_;
  store::SigningKeys keys_{transactor_};
  Secrets secrets_;
  std::unique_ptr<auth::KeyRing> ring_;
  std::unique_ptr<auth::BusSigner> signer_;
};

}  // namespace reliant::tests

// BenchSigner: what a program of the bench signs its tool requests with, as a worker does: the keys of the cluster's database.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "adapters/asio/asio_executor.h"
#include "adapters/posix/os_entropy.h"
#include "adapters/postgres/postgres_database.h"
#include "auth/bus_signer.h"
#include "auth/key_ring.h"
#include "base/event_log.h"
#include "runtime/scope.h"
#include "store/signing_keys.h"

namespace reliant::tests {

class BenchSigner {
 public:
  // The clock is of the database's machine, too.
  BenchSigner(adapters::AsioExecutor& executor, Clock& clock, EventLog& log, const std::string& database_url)
      : database_(*adapters::PostgresDatabase::open(executor, {.url = database_url})),
        transactor_(*database_, clock, Random(adapters::os_seed())),
        scope_(executor, 0),
        ring_(scope_.context(), clock, log, keys_, none_),
        signer_(ring_, clock, Random(adapters::os_seed())) {}

  auth::BusSigner& signer() { return signer_; }

 private:
  // The servers of the cluster have made a key before anything here runs.
  class NoSecrets final : public auth::SecretSource {
   public:
    std::array<std::byte, auth::kTokenBytes> next() override { return {}; }
  };

  std::unique_ptr<adapters::PostgresDatabase> database_;
  store::Transactor transactor_;
  store::SigningKeys keys_{transactor_};
  NoSecrets none_;
  TaskScope scope_;
  auth::KeyRing ring_;
  auth::BusSigner signer_;
};

}  // namespace reliant::tests

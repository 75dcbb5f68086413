// The keys with which servers sign what they say to gateways over the bus (auth/key_ring.h). They are in the database, because
// the servers that may write there are the ones that may speak for its users.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

struct SigningKey {
  std::string id;
  std::string secret;
  WallTime created_at;
  std::optional<WallTime> retired_at;  // from then on it signs nothing
};

struct KeyRotation {
  Duration every{};        // the age of the newest key at which there has to be another one
  Duration known_after{};  // until every server has read a new key; the previous one signs until then
  Duration kept{};         // after its retirement a key is deleted
};

// Every method may fail as Transactor does. The results are by age, oldest first.
class SigningKeys {
 public:
  explicit SigningKeys(Transactor& transactor) : transactor_(transactor) {}

  Task<Result<std::vector<SigningKey>>> list(Instant deadline);
  // Adds a key with this secret and retires the ones before it, unless the newest is younger than `rotation.every`: of several
  // servers that try at the same time, one does it. Deletes those that were retired long ago.
  Task<Result<std::vector<SigningKey>>> rotate(std::string secret, KeyRotation rotation, Instant deadline);

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

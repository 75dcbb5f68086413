// What a user has stored, for quotas (C50).
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

struct Usage {
  std::int64_t projects = 0;
  std::int64_t chats = 0;
  std::int64_t tokens = 0;  // not revoked
  std::int64_t bytes = 0;   // of messages and updates, about: each chat counts what is written into it
};

// Every method may fail as Transactor does.
class Usages {
 public:
  explicit Usages(Transactor& transactor) : transactor_(transactor) {}

  Task<Result<Usage>> of(UserId user, Instant deadline);  // of an unknown user: none

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

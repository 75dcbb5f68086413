// Users (R8).
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

struct User {
  UserId id;
  std::string name;
  WallTime created_at;
};

// Every method may fail as Transactor does.
class Users {
 public:
  explicit Users(Transactor& transactor) : transactor_(transactor) {}

  // With an id: when there is such a user, that one. Empty: a new id.
  Task<Result<User>> create(UserId id, std::string name, Instant deadline);
  Task<Result<User>> find(UserId id, Instant deadline);    // NOT_FOUND
  Task<Result<std::vector<User>>> list(Instant deadline);  // all of them, oldest first: for administrators

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

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

  // With an id: when there is such a user, that one. Empty: a new id. ALREADY_EXISTS: another user has this name or, as the
  // id, this name; or the id is another user's name.
  Task<Result<User>> create(UserId id, std::string name, Instant deadline);
  Task<Result<User>> find(UserId id, Instant deadline);                       // NOT_FOUND
  Task<Result<User>> find_by_id_or_name(std::string text, Instant deadline);  // NOT_FOUND; an id precedes a name
  Task<Result<std::vector<User>>> list(Instant deadline);                     // all of them, oldest first: for administrators

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

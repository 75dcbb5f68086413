// Users (R8).
#pragma once

#include <optional>
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
  std::optional<WallTime> disabled_at;  // nullopt: enabled
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
  // The tokens of a disabled user are refused (store/tokens.h) until the user is enabled. Idempotent: the time of the first
  // stays. NOT_FOUND.
  Task<Result<User>> set_disabled(UserId id, bool disabled, Instant deadline);

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

// Projects: a name and the directory on the daemon's side in which its chats work (R8).
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/page.h"
#include "store/transact.h"

namespace reliant::store {

struct Project {
  ProjectId id;
  UserId user;
  std::string name;
  std::string path;
  WallTime created_at;
};

struct ProjectChange {
  std::optional<std::string> name;
  std::optional<std::string> path;
};

// A project of somebody else is NOT_FOUND. Every method may fail as Transactor does.
class Projects {
 public:
  explicit Projects(Transactor& transactor) : transactor_(transactor) {}

  Task<Result<Project>> create(UserId user, std::string name, std::string path, Instant deadline);
  Task<Result<Project>> get(UserId user, ProjectId id, Instant deadline);
  Task<Result<Page<Project>>> list(UserId user, PageRequest page, Instant deadline);  // newest first
  Task<Result<Project>> update(UserId user, ProjectId id, ProjectChange change, Instant deadline);
  // FAILED_PRECONDITION while it has chats: they are never deleted by the way.
  Task<Status> remove(UserId user, ProjectId id, Instant deadline);

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

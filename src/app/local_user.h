// The monolith's only user, and the token by which clients on this machine and the daemon speak for it (R17,
// R72).
#pragma once

#include <string>

#include "app/data_directory.h"
#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/store.h"

namespace reliant::app {

struct LocalUser {
  UserId id;
  std::string token;
  bool created = false;  // the token is new: say where it is
};

// The file comes first, the database second, so that a start that was cut off goes on from the file. A token
// that the database does not know is made known; one that was revoked is replaced.
Task<Result<LocalUser>> prepare_local_user(store::Store& store, const DataDirectory& directory, Instant deadline);

}  // namespace reliant::app

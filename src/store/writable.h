// Whether the database takes writes: a disk that has been full may have room again.
#pragma once

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

// Writes and commits a mark of its own (store/transact.h). RESOURCE_EXHAUSTED with kReasonDiskFull: there is still no room.
Task<Status> check_writable(Transactor& transactor, Instant deadline);

}  // namespace reliant::store

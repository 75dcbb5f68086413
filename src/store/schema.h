// The tables, as numbered migrations (R8, R56). Each is one script of SQL that SQLite and Postgres both take;
// the table schema_version says which have been applied. A migration that has been released is never edited:
// add the next one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

struct Migration {
  std::int64_t version;
  std::string_view sql;  // begins by writing its version: of two processes, one receives ALREADY_EXISTS
};

std::span<const Migration> migrations();

// Applies what is missing. Safe to call at every start, by several processes at once. FAILED_PRECONDITION:
// the database is of a newer version of this program.
Task<Status> migrate(Transactor& transactor, Instant deadline);

}  // namespace reliant::store

// Audit: who had what done where (C50): an append-only log. Entries are written in the transaction of what they tell of, so
// that there is none without the other; nothing changes or deletes them.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/page.h"
#include "store/transact.h"

namespace reliant::store {

using AuditId = Id<struct AuditTag>;

struct AuditEntry {
  AuditId id;  // of a tool: the request's; unrecorded ones may be made of several daemons, and have theirs in it, too
  UserId user;
  std::string action;  // "tool.requested", "token.created", "token.revoked", "token.replaced", "token.refused.REASON"
  std::string object;  // the tool; the token's id
  DaemonId daemon;     // where; empty: on the servers
  ChatId chat;         // empty: for none
  WallTime created_at;
};

// Inside of the transaction of what is told. An id that is known stays as it is.
Task<Status> append_audit(ports::Transaction& transaction, AuditEntry entry);

class Audit {
 public:
  explicit Audit(Transactor& transactor) : transactor_(transactor) {}

  // Newest first. May fail as Transactor does.
  Task<Result<Page<AuditEntry>>> list(UserId user, PageRequest page, Instant deadline);

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

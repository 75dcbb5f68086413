// Audit: an append-only log of the actions of users (C50). An entry is written in the transaction of its action, so that
// there is none without the other; nothing changes or deletes entries.
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
  std::string action;  // "tool.requested", "token.created", "token.revoked", "token.replaced", "token.refused.REASON",
                       // "user.disabled", "user.enabled"
  std::string object;  // the tool; the token's id; the user's id
  DaemonId daemon;     // where; empty: on the servers
  ChatId chat;         // empty: for none
  WallTime created_at;
};

// Within the transaction of the action. An existing id is left unchanged.
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

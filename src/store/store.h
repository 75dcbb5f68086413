// Store: everything the servers keep (R8), as repositories over one database (C26, R56). Stateless itself
// (R27): any number of processes may have one each on the same database.
//
// Owner: the composition root; it outlives the roles that use it. Executor: the logic thread. Failures: each
// repository's header, and store/transact.h for what they share.
#pragma once

#include "ports/database.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "store/audit.h"
#include "store/chats.h"
#include "store/daemons.h"
#include "store/executions.h"
#include "store/messages.h"
#include "store/projects.h"
#include "store/recoveries.h"
#include "store/schema.h"
#include "store/signing_keys.h"
#include "store/tokens.h"
#include "store/tool_calls.h"
#include "store/transact.h"
#include "store/usage.h"
#include "store/users.h"
#include "store/writable.h"

namespace reliant::store {

class Store {
 public:
  // `random` is a stream of this process's life (in production, seeded from the system).
  Store(ports::Database& database, Clock& clock, Random random)
      : transactor_(database, clock, random), writable_(transactor_, clock) {}

  // Before anything else: creates or upgrades the tables (store/schema.h).
  Task<Status> migrate(Instant deadline) { return store::migrate(transactor_, deadline); }

  Users& users() { return users_; }
  Tokens& tokens() { return tokens_; }
  Projects& projects() { return projects_; }
  Chats& chats() { return chats_; }
  Messages& messages() { return messages_; }
  Updates& updates() { return updates_; }
  Recoveries& recoveries() { return recoveries_; }
  Daemons& daemons() { return daemons_; }
  Gateways& gateways() { return gateways_; }
  Executions& executions() { return executions_; }
  ToolCalls& tool_calls() { return tool_calls_; }
  Audit& audit() { return audit_; }
  Usages& usages() { return usages_; }
  SigningKeys& signing_keys() { return signing_keys_; }
  Writable& writable() { return writable_; }

 private:
  Transactor transactor_;
  Writable writable_;
  Users users_{transactor_};
  Tokens tokens_{transactor_};
  Projects projects_{transactor_};
  Chats chats_{transactor_};
  Messages messages_{transactor_};
  Updates updates_{transactor_};
  Recoveries recoveries_{transactor_};
  Daemons daemons_{transactor_};
  Gateways gateways_{transactor_};
  Executions executions_{transactor_};
  ToolCalls tool_calls_{transactor_};
  Audit audit_{transactor_};
  Usages usages_{transactor_};
  SigningKeys signing_keys_{transactor_};
};

}  // namespace reliant::store

#include "store/schema.h"

#include <algorithm>

#include "base/text.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::store {
namespace {

// Types that both engines take: TEXT, BIGINT. Times are microseconds, truth values 0 and 1, structures JSON
// text.
constexpr std::string_view kFirst = R"sql(
INSERT INTO schema_version (version) VALUES (1);
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  name TEXT NOT NULL,
  secret_sha256 TEXT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT
);
CREATE INDEX tokens_of_user ON tokens (user_id, created_at, id);
CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX projects_of_user ON projects (user_id, created_at, id);
CREATE TABLE chats (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  project_id TEXT NOT NULL REFERENCES projects (id),
  title TEXT NOT NULL,
  status TEXT NOT NULL,
  active_daemon TEXT NOT NULL,
  last_sequence BIGINT NOT NULL,
  answered_up_to BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX chats_of_user ON chats (user_id, created_at, id);
CREATE INDEX chats_of_project ON chats (project_id, created_at, id);
CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  chat_id TEXT NOT NULL REFERENCES chats (id),
  sequence BIGINT NOT NULL,
  role TEXT NOT NULL,
  content TEXT NOT NULL,
  dedup_key TEXT NOT NULL,
  signalled BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (chat_id, sequence),
  UNIQUE (chat_id, dedup_key)
);
CREATE INDEX messages_not_signalled ON messages (created_at) WHERE signalled = 0;
CREATE TABLE updates (
  chat_id TEXT NOT NULL REFERENCES chats (id),
  sequence BIGINT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (chat_id, sequence)
);
CREATE TABLE update_keys (
  chat_id TEXT NOT NULL REFERENCES chats (id),
  dedup_key TEXT NOT NULL,
  PRIMARY KEY (chat_id, dedup_key)
);
CREATE TABLE daemons (
  user_id TEXT NOT NULL REFERENCES users (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  labels TEXT NOT NULL,
  tools TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  gateway_id TEXT NOT NULL,
  connection TEXT NOT NULL,
  connected_at BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  PRIMARY KEY (user_id, id)
);
CREATE INDEX daemons_of_gateway ON daemons (gateway_id);
CREATE TABLE gateways (
  id TEXT PRIMARY KEY,
  address TEXT NOT NULL,
  last_seen BIGINT NOT NULL
);
CREATE TABLE tool_executions (
  request_id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  daemon_id TEXT NOT NULL,
  chat_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  tool TEXT NOT NULL,
  arguments TEXT NOT NULL,
  working_directory TEXT NOT NULL,
  effect TEXT NOT NULL,
  timeout_ms BIGINT NOT NULL,
  state TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  is_error BIGINT NOT NULL,
  content TEXT NOT NULL,
  exit_code BIGINT NOT NULL,
  output_chunks BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX tool_executions_open ON tool_executions (user_id, daemon_id, created_at)
  WHERE state IN ('pending', 'dispatched', 'running');
CREATE INDEX tool_executions_of_chat ON tool_executions (chat_id);
CREATE TABLE commit_marks (
  owner TEXT NOT NULL,
  slot BIGINT NOT NULL,
  mark TEXT NOT NULL,
  PRIMARY KEY (owner, slot)
);
)sql";

constexpr std::string_view kCancelAsked = R"sql(
INSERT INTO schema_version (version) VALUES (2);
ALTER TABLE tool_executions ADD COLUMN cancel_asked BIGINT NOT NULL DEFAULT 0;
)sql";

constexpr std::string_view kJournal = R"sql(
INSERT INTO schema_version (version) VALUES (3);
ALTER TABLE tool_executions ADD COLUMN journal TEXT NOT NULL DEFAULT '';
)sql";

constexpr std::string_view kAuditLog = R"sql(
INSERT INTO schema_version (version) VALUES (4);
CREATE TABLE audit_log (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  daemon_id TEXT NOT NULL,
  chat_id TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX audit_log_of_user ON audit_log (user_id, created_at, id);
)sql";

// The indexes of what is open, in the order in which it is read. SQLite makes a b-tree of each IN that it evaluates, also
// of those in an index's WHERE whenever a row is written.
constexpr std::string_view kOpen = R"sql(
INSERT INTO schema_version (version) VALUES (5);
DROP INDEX tool_executions_open;
CREATE INDEX tool_executions_open ON tool_executions (user_id, daemon_id, created_at, request_id)
  WHERE state <> 'done' AND state <> 'lost';
DROP INDEX messages_not_signalled;
CREATE INDEX messages_not_signalled ON messages (created_at, id) WHERE signalled = 0;
)sql";

// How far each step of a turn has come with its updates: one row a step, instead of a key an update. What attempts that are
// under way while this is made have written already, they write once more.
constexpr std::string_view kUpdateStreams = R"sql(
INSERT INTO schema_version (version) VALUES (6);
DROP TABLE update_keys;
CREATE TABLE update_streams (
  chat_id TEXT NOT NULL REFERENCES chats (id),
  stream TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (chat_id, stream)
);
)sql";

// Tokens have kinds (model/token.h). Those that are there become users' tokens: which of them a daemon's registration has made
// is not recorded, and a token that lost rights unasked would stop somebody's daemon or script. `replaces`: the token that
// this one takes the place of as soon as it is used.
constexpr std::string_view kTokenKinds = R"sql(
INSERT INTO schema_version (version) VALUES (7);
ALTER TABLE tokens ADD COLUMN kind TEXT NOT NULL DEFAULT 'user';
ALTER TABLE tokens ADD COLUMN daemon_id TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN expires_at BIGINT;
ALTER TABLE tokens ADD COLUMN last_used_at BIGINT;
ALTER TABLE tokens ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
CREATE INDEX tokens_replacing ON tokens (replaces) WHERE replaces <> '';
)sql";

// With which servers sign what they say to gateways over the bus (store/signing_keys.h).
constexpr std::string_view kSigningKeys = R"sql(
INSERT INTO schema_version (version) VALUES (8);
CREATE TABLE signing_keys (
  id TEXT PRIMARY KEY,
  secret TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  retired_at BIGINT
);
)sql";

// How much is stored in each chat, in characters, for quotas.
constexpr std::string_view kStoredBytes = R"sql(
INSERT INTO schema_version (version) VALUES (9);
ALTER TABLE chats ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;
UPDATE chats SET bytes = COALESCE((SELECT SUM(LENGTH(content)) FROM messages WHERE chat_id = chats.id), 0)
  + COALESCE((SELECT SUM(LENGTH(payload)) FROM updates WHERE chat_id = chats.id), 0);
)sql";

// Which chats are at work is asked every half minute (api/reconciler.h). Only a change of the status writes to this index.
constexpr std::string_view kRecoveries = R"sql(
INSERT INTO schema_version (version) VALUES (10);
CREATE INDEX chats_at_work ON chats (id) WHERE status = 'running';
CREATE TABLE chat_recoveries (
  chat_id TEXT PRIMARY KEY REFERENCES chats (id),
  answered_up_to BIGINT NOT NULL,
  times BIGINT NOT NULL,
  begun_at BIGINT NOT NULL
);
)sql";

// A user's name is unique, so that it can stand for the id (store/users.h). Of users with the same name the oldest keeps it.
constexpr std::string_view kUserNames = R"sql(
INSERT INTO schema_version (version) VALUES (11);
UPDATE users SET name = name || '#' || id WHERE EXISTS (
  SELECT 1 FROM users older WHERE older.name = users.name
    AND (older.created_at < users.created_at OR (older.created_at = users.created_at AND older.id < users.id)));
CREATE UNIQUE INDEX users_by_name ON users (name);
)sql";

// A disabled user keeps its rows (store/users.h).
constexpr std::string_view kDisabledUsers = R"sql(
INSERT INTO schema_version (version) VALUES (12);
ALTER TABLE users ADD COLUMN disabled_at BIGINT;
)sql";

constexpr Migration kMigrations[] = {{1, kFirst},       {2, kCancelAsked},   {3, kJournal},    {4, kAuditLog},
                                     {5, kOpen},        {6, kUpdateStreams}, {7, kTokenKinds}, {8, kSigningKeys},
                                     {9, kStoredBytes}, {10, kRecoveries},   {11, kUserNames}, {12, kDisabledUsers}};

struct CurrentVersion {
  using Value = std::int64_t;
  Task<Result<Value>> run(ports::Transaction& transaction) const {
    CO_TRY_ASSIGN(const ports::Rows rows,
                  co_await transaction.execute("SELECT COALESCE(MAX(version), 0) FROM schema_version", {}));
    co_return rows[0].integer(0);
  }
};

// One step towards the newest version. Nullopt: it was made, here or by another process; check again.
Task<Result<bool>> is_current(Transactor& transactor, Instant deadline) {
  ports::Database& database = transactor.database();
  CO_TRY_OK(co_await database.run_script("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)", deadline));
  CO_TRY_ASSIGN(const std::int64_t current, co_await transactor.read(CurrentVersion{}, deadline));
  const std::int64_t newest = std::end(kMigrations)[-1].version;
  if (current > newest)
    co_return failed_precondition("the database has schema version ", current, ", this program knows up to ", newest,
                                  "; use a newer program");
  const auto next = std::ranges::find_if(kMigrations, [&](const Migration& m) { return m.version > current; });
  if (next == std::end(kMigrations)) co_return true;
  CO_TRY_OK(co_await database.run_script(next->sql, deadline));
  co_return false;
}

// A race with another process shows as its table, or its version, being there already.
bool may_look_again(const Status& status) {
  return is_retryable(status.code()) || status.code() == StatusCode::kAlreadyExists ||
         reason_of(status) == kReasonCommitUnknown;
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Task<Status> migrate(Transactor& transactor, Instant deadline) {
  const Context& context = co_await ThisContext{};
  Backoff backoff(Transactor::kPolicy, transactor.random());
  for (;;) {
    const Result<bool> current = co_await is_current(transactor, deadline);
    if (current.ok() && *current) co_return ok_status();
    if (current.ok()) continue;
    if (!may_look_again(current.status()) || context.executor->now() >= deadline) co_return current.status();
    co_await sleep_for(backoff.next());
  }
}

}  // namespace reliant::store

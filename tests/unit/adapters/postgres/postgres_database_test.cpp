#include "adapters/postgres/postgres_database.h"

#include "base/cause.h"
#include "base/disk_full.h"
#include "contract/database/database_contract.h"
#include "contract/database/database_contract_postgres.h"
#include "runtime/all.h"

namespace reliant::tests {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DatabaseContract);  // here for its vocabulary

namespace {

using adapters::postgres_text;
using adapters::PostgresDatabase;
using adapters::PostgresOptions;
using adapters::text_of_postgres;
using std::chrono::milliseconds;
using std::chrono::seconds;

// --- text ------------------------------------------------------------------------------------------------------------

TEST(PostgresText, LeavesUtf8Unchanged) {
  for (const std::string text : {"", "plain", "ü € 𝄞", "\x7f\n\t", "\xef\xbf\xbd"}) EXPECT_EQ(postgres_text(text), text);
  EXPECT_EQ(postgres_text(std::string("a\0b", 3)),
            "a\x01"
            "00b");
  EXPECT_EQ(postgres_text("\x01"),
            "\x01"
            "01");
  EXPECT_EQ(postgres_text("\xc0\x80"),
            "\x01"
            "c0\x01"
            "80");  // overlong
  EXPECT_EQ(postgres_text("\xed\xa0\x80"),
            "\x01"
            "ed\x01"
            "a0\x01"
            "80");  // half of a surrogate pair
  EXPECT_EQ(postgres_text("\xe2\x82"),
            "\x01"
            "e2\x01"
            "82");  // cut off
}

RC_GTEST_PROP(PostgresText, ComesBackAsItWas, (const std::string& text)) {
  const std::string stored = postgres_text(text);
  RC_ASSERT(text_of_postgres(stored) == text);
  RC_ASSERT(stored.find('\0') == std::string::npos);
}

// --- one server without faults ---------------------------------------------------------------------------------------

class Postgres : public DatabaseContract<PostgresWorld> {};

TEST_F(Postgres, KeepsAnyBytesAsText) {
  write("CREATE TABLE texts (id BIGINT PRIMARY KEY, body TEXT)");
  const std::string bytes(
      "\0\x01\xff\xc3\xbc\xed\xa0\x80\x01"
      "00",
      11);
  write("INSERT INTO texts VALUES (1, $1)", {bytes});
  EXPECT_EQ(read("SELECT body FROM texts WHERE body = $1", {bytes})[0].text(0), bytes);
}

TEST_F(Postgres, AnswersInThePortsTypes) {
  write("CREATE TABLE kinds (small SMALLINT, normal INTEGER, large BIGINT, single REAL, bytes BYTEA)");
  const Blob blob{std::string("\0\xff'\\", 4)};
  write("INSERT INTO kinds VALUES ($1, $2, $3, $4, $5)", {std::int64_t{-3}, std::int64_t{4}, INT64_MIN, 0.25, blob});
  const Rows rows = read("SELECT small, normal, large, single, bytes, small = -3, normal IS NULL FROM kinds");
  EXPECT_EQ(rows[0].integer(0), -3);
  EXPECT_EQ(rows[0].integer(1), 4);
  EXPECT_EQ(rows[0].integer(2), INT64_MIN);
  EXPECT_EQ(std::get<double>(rows[0][3]), 0.25);
  EXPECT_EQ(rows[0].bytes(4), blob.bytes);
  EXPECT_EQ(rows[0].integer(5), 1);
  EXPECT_EQ(rows[0].integer(6), 0);
  EXPECT_EQ(read("SELECT SUM(large), COUNT(*), MAX(normal) FROM kinds")[0].integer(0), INT64_MIN);
}

// As the server says it, by a function that says the same.
TEST_F(Postgres, ReportsAFullDisk) {
  write(
      "CREATE FUNCTION fill() RETURNS void LANGUAGE plpgsql AS "
      "'BEGIN RAISE EXCEPTION ''could not extend file \"base/13/16384\"'' USING ERRCODE = ''53100''; END'");
  auto transaction = begin();
  const Status full = execute(*transaction, "SELECT fill()").status();
  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(reason_of(full), kReasonDiskFull);
  EXPECT_EQ(message_of(full).find("base/13"), std::string_view::npos) << full;
  EXPECT_NE(described(full).find("base/13"), std::string::npos) << full;
  transaction.reset();
  EXPECT_EQ(read("SELECT 1")[0].integer(0), 1) << "the connection goes on";
}

TEST_F(Postgres, KeepsTheServersWordsOutOfTheMessage) {
  auto transaction = begin();
  const Status wrong = execute(*transaction, "SELECT * FROM no_such_table").status();
  EXPECT_EQ(wrong.code(), StatusCode::kInternal);
  EXPECT_EQ(message_of(wrong), "the database has refused a statement");
  EXPECT_NE(described(wrong).find("no_such_table"), std::string::npos) << wrong;
}

// The errors of two programs that make the tables of a new database at once.
TEST_F(Postgres, ReportsAnExistingTableOrType) {
  write("CREATE TABLE twice (id BIGINT)");
  for (const char* again : {"CREATE TABLE twice (id BIGINT)", "CREATE TYPE twice AS (id BIGINT)"}) {
    auto transaction = begin();
    EXPECT_EQ(execute(*transaction, again).status().code(), StatusCode::kAlreadyExists) << again;
  }
}

// Two transactions that each read what the other one writes: neither order of them is what both have seen.
TEST_F(Postgres, IsSerializable) {
  make_accounts();
  auto one = begin();
  auto two = begin();
  for (Transaction* t : {one.get(), two.get()}) rows(*t, "SELECT SUM(balance) FROM accounts");
  rows(*one, "UPDATE accounts SET balance = 0 WHERE id = 'ann'");
  Status status = execute(*two, "UPDATE accounts SET balance = 0 WHERE id = 'bob'").status();
  commit(*one);
  if (status.ok()) status = get(two->commit());
  EXPECT_EQ(status.code(), StatusCode::kAborted) << status;
  EXPECT_EQ(balance("bob"), 20);
}

TEST_F(Postgres, EndsTransactionsThatAreIdleForFiveSeconds) {
  EXPECT_EQ(read("SELECT current_setting('idle_in_transaction_session_timeout')")[0].text(0), "5s");
  EXPECT_EQ(read("SELECT current_setting('transaction_isolation')")[0].text(0), "serializable");
}

TEST_F(Postgres, ReportsTheNumberOfWaiters) {
  std::vector<TransactionPtr> holders;
  while (holders.size() < PostgresWorld::kWriters) holders.push_back(begin());
  auto writer = start(database().begin(Access::kWrite, in(kLong)));
  auto reader = start(database().begin(Access::kRead, in(kLong)));
  run_for(milliseconds(20));
  const adapters::DatabaseLoad load = world_.database().load();
  EXPECT_EQ(load.connections, PostgresWorld::kWriters);
  EXPECT_EQ(load.in_use, PostgresWorld::kWriters);
  EXPECT_EQ(load.waiting_writers, 1u);
  EXPECT_EQ(load.waiting_readers, 1u);
  writer.reset();
  holders.clear();
  EXPECT_TRUE(await(*reader).ok());
  run_for(milliseconds(20));
  EXPECT_EQ(world_.database().load().waiting_writers, 0u);
}

TEST_F(Postgres, LosesAConnectionBetweenStatementsWithoutAnEffect) {
  make_accounts();
  auto transaction = begin();
  const std::int64_t pid = rows(*transaction, "SELECT pg_backend_pid()")[0].integer(0);
  rows(*transaction, "UPDATE accounts SET balance = 99 WHERE id = 'ann'");
  write("SELECT pg_terminate_backend($1)", {pid});
  EXPECT_EQ(execute(*transaction, "SELECT 1").status().code(), StatusCode::kUnavailable);
  transaction.reset();
  EXPECT_EQ(balance("ann"), 10);
}

// The commit runs a trigger that waits for a lock: long enough to be broken in the middle.
TEST_F(Postgres, DoesNotKnowWhetherACommitThatWasBrokenIsWritten) {
  make_accounts();
  write(
      "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'");
  write(
      "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON accounts DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION wait()");
  auto holder = begin();
  rows(*holder, "SELECT pg_advisory_xact_lock(1)");
  auto transaction = begin();
  const std::int64_t pid = rows(*transaction, "SELECT pg_backend_pid()")[0].integer(0);
  rows(*transaction, "UPDATE accounts SET balance = 99 WHERE id = 'ann'");
  auto committing = start(transaction->commit());
  run_for(milliseconds(50));
  EXPECT_FALSE(committing->ended());
  write("SELECT pg_terminate_backend($1)", {pid});
  const Status status = await(*committing);
  EXPECT_EQ(status.code(), StatusCode::kUnknown) << status;
  EXPECT_EQ(reason_of(status), kReasonCommitUnknown);
  holder.reset();
  EXPECT_EQ(balance("ann"), 10);
}

TEST_F(Postgres, RejectsMalformedUrls) {
  for (const char* bad : {"", "localhost", "mysql://h/d", "postgres://h/d x"}) {
    PostgresOptions options;
    options.url = bad;
    EXPECT_EQ(PostgresDatabase::open(world_.executor(), options).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST_F(Postgres, ReportsWhyItCannotConnectWithoutThePassword) {
  const std::pair<std::string, std::string_view> wrong[] = {
      {concat("postgres://reliant:s3cret@127.0.0.1:", free_port(), "/postgres"), "refused"},
      {shared_postgres().url("nowhere"), "\"nowhere\" does not exist"}};
  for (const auto& [url, why] : wrong) {
    PostgresOptions options;
    options.url = url;
    const auto database = *PostgresDatabase::open(world_.executor(), options);
    const Status status = get(database->check(in(kLong)));
    EXPECT_EQ(status.code(), StatusCode::kUnavailable);
    EXPECT_EQ(message_of(status), "cannot connect to the database");
    const std::string said = described(status);
    EXPECT_NE(said.find(why), std::string::npos) << said;
    EXPECT_EQ(said.find("s3cret"), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
}
TEST(PostgresDatabase, EndsAnIdleTransactionAsTheSimulatedServerDoes) {
  PostgresOptions options;
  options.idle_in_transaction = milliseconds(200);
  PostgresWorld world(options);
  const auto body = [](ports::Database& database) -> Task<Status> {
    CO_TRY_OK(co_await database.run_script("CREATE TABLE t (a BIGINT)", kNever));
    for (const bool committing : {false, true}) {
      CO_TRY_ASSIGN(auto idle, co_await database.begin(Access::kWrite, kNever));
      CO_TRY_OK((co_await idle->execute("INSERT INTO t VALUES (1)", {})).status());
      co_await sleep_for(milliseconds(600));
      if (committing) {
        EXPECT_EQ(reason_of(co_await idle->commit()), kReasonCommitUnknown);
      } else {
        EXPECT_EQ((co_await idle->execute("SELECT 1", {})).status().code(), StatusCode::kUnavailable);
      }
    }
    CO_TRY_ASSIGN(auto reading, co_await database.begin(Access::kRead, kNever));
    CO_TRY_ASSIGN(const Rows rows, co_await reading->execute("SELECT COUNT(*) FROM t", {}));
    EXPECT_EQ(rows[0].integer(0), 0);
    co_return co_await reading->commit();
  };
  Started<Status> started(world.scope().context(), body(world.database()));
  ASSERT_TRUE(world.run_until([&] { return started.ended(); }));
  const Status status = started.take();
  EXPECT_TRUE(status.ok()) << status;
}

TEST(PostgresDatabase, DetectsUrlsWithoutServerVerification) {
  using adapters::unverified_postgres_host;
  for (const char* here :
       {"postgres://u@localhost/d", "postgres://u:p@127.0.0.1:5432/d", "postgres://u@[::1]:5432/d", "postgres:///d",
        "postgres://u@%2Fvar%2Frun/d", "postgres://u@db.example/d?sslmode=verify-full&sslrootcert=/ca",
        "postgresql://db/d?a=b&sslmode=verify-ca"})
    EXPECT_FALSE(unverified_postgres_host(here).has_value()) << here;
  EXPECT_EQ(unverified_postgres_host("postgres://u:p@db.example:5432/d").value_or(""), "db.example");
  EXPECT_EQ(unverified_postgres_host("postgres://u@db/d?sslmode=require").value_or(""), "db");
  EXPECT_EQ(unverified_postgres_host("postgres://localhost,[2001:db8::1]:5432/d").value_or(""), "2001:db8::1");
}

}  // namespace
}  // namespace reliant::tests

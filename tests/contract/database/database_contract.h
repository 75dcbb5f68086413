// What every Database promises, as tests. Instantiate `DatabaseContract` with a world:
//   Executor& executor();
//   TaskScope& scope();                         // for the tasks of a client
//   ports::Database& database();
//   static constexpr std::size_t kWriters;      // how many transactions may write at a time
// and, where time is real:
//   bool run_until(std::function<bool()> done);  // false: it did not come to that
//   void run_for(Duration); void run_steps(std::uint64_t steps);
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/status.h"
#include "ports/database.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "runtime/task.h"
#include "support/started.h"

namespace reliant::tests {

using ports::Access;
using ports::Blob;
using ports::Rows;
using ports::Transaction;
using ports::Value;
using ports::Values;
using TransactionPtr = std::unique_ptr<Transaction>;

template <class World>
class DatabaseContract : public ::testing::Test {
 protected:
  static constexpr Duration kLong = std::chrono::minutes(5);
  static constexpr bool kRealTime = requires(World world) { world.run_steps(1); };

  template <class T>
  std::unique_ptr<Started<T>> start(Task<T> task) {
    return std::make_unique<Started<T>>(world_.scope().context(), std::move(task));
  }
  // Runs the world until the task has ended.
  template <class T>
  T get(Task<T> task) {
    auto started = start(std::move(task));
    return await(*started);
  }
  template <class T>
  T await(Started<T>& started) {
    if constexpr (kRealTime) {
      RELIANT_ASSERT(world_.run_until([&] { return started.ended(); }), "a task that a test waits for did not end");
      return started.take();
    } else {
      return tests::await(world_.executor(), started, kLong);
    }
  }
  void run_for(Duration duration) {
    if constexpr (kRealTime) {
      world_.run_for(duration);
    } else {
      world_.executor().run_until(world_.executor().now() + duration);
    }
  }
  // So many steps, or what comes nearest to it.
  void run_steps(std::uint64_t steps) {
    if constexpr (kRealTime) {
      world_.run_steps(steps);
    } else {
      world_.executor().run_until(in(std::chrono::seconds(1)), steps);
    }
  }

  Instant in(Duration duration) { return world_.executor().now() + duration; }
  ports::Database& database() { return world_.database(); }

  TransactionPtr begin(Access access = Access::kWrite) {
    auto transaction = get(database().begin(access, in(kLong)));
    EXPECT_TRUE(transaction.ok()) << transaction.status();
    return *std::move(transaction);
  }
  // All that may be had at a time. They are there when what was destroyed has ended: a commit without a waiting caller, too.
  std::vector<TransactionPtr> begin_all() {
    std::vector<TransactionPtr> all;
    while (all.size() < World::kWriters) all.push_back(begin());
    return all;
  }
  Result<Rows> execute(Transaction& transaction, std::string_view sql, Values parameters = {}) {
    return get(transaction.execute(sql, std::move(parameters)));
  }
  Rows rows(Transaction& transaction, std::string_view sql, Values parameters = {}) {
    auto result = execute(transaction, sql, std::move(parameters));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : Rows();
  }
  void commit(Transaction& transaction) {
    const Status status = get(transaction.commit());
    EXPECT_TRUE(status.ok()) << status;
  }
  // One statement, one transaction.
  Rows write(std::string_view sql, Values parameters = {}) {
    auto transaction = begin();
    Rows result = rows(*transaction, sql, std::move(parameters));
    commit(*transaction);
    return result;
  }
  Rows read(std::string_view sql, Values parameters = {}) {
    auto transaction = begin(Access::kRead);
    Rows result = rows(*transaction, sql, std::move(parameters));
    commit(*transaction);
    return result;
  }
  void make_accounts() {
    const Status status =
        get(database().run_script("CREATE TABLE accounts (id TEXT PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0));"
                                  "INSERT INTO accounts VALUES ('ann', 10);"
                                  "INSERT INTO accounts VALUES ('bob', 20);",
                                  in(kLong)));
    ASSERT_TRUE(status.ok()) << status;
  }
  std::int64_t balance(std::string_view id) {
    return read("SELECT balance FROM accounts WHERE id = $1", {std::string(id)})[0].integer(0);
  }

  World world_;
};

// Reads, yields to all other tasks, writes the read value plus one.
inline Task<Status> increment_once(ports::Database& database, std::string id) {
  CO_TRY_ASSIGN(const auto transaction, co_await database.begin(Access::kWrite, kNever));
  CO_TRY_ASSIGN(const Rows found, co_await transaction->execute("SELECT balance FROM accounts WHERE id = $1", {id}));
  const std::int64_t balance = found[0].integer(0);
  for (int i = 0; i < 3; ++i) co_await yield();
  CO_TRY_OK((co_await transaction->execute("UPDATE accounts SET balance = $1 WHERE id = $2", {balance + 1, id})).status());
  co_return co_await transaction->commit();
}

// Repeats it while the answer is ABORTED. Where writers are serialized, it never is.
template <class World>
Task<Status> increment(ports::Database& database, std::string id) {
  for (;;) {
    Status status = co_await increment_once(database, id);
    if (status.code() != StatusCode::kAborted || World::kWriters == 1) co_return status;
    co_await yield();
  }
}

TYPED_TEST_SUITE_P(DatabaseContract);

TYPED_TEST_P(DatabaseContract, KeepsEveryKindOfValue) {
  this->write("CREATE TABLE kinds (a BIGINT, b DOUBLE PRECISION, c TEXT, d TEXT, e BIGINT)");
  const std::string text("ü\n'\"$1", 7);
  this->write("INSERT INTO kinds VALUES ($1, $2, $3, $4, $5)",
              {std::int64_t{-9'007'199'254'740'993}, 0.5, text, std::string(), Value()});
  const Rows rows = this->read("SELECT a, b, c, d, e FROM kinds");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].integer(0), -9'007'199'254'740'993);
  EXPECT_EQ(std::get<double>(rows[0][1]), 0.5);
  EXPECT_EQ(rows[0].text(2), text);
  EXPECT_EQ(rows[0].text(3), "");
  EXPECT_TRUE(rows[0].is_null(4));
}

TYPED_TEST_P(DatabaseContract, NumbersPlaceholdersByTheirNumberNotTheirOrder) {
  this->make_accounts();
  const Rows rows = this->read("SELECT id FROM accounts WHERE balance = $2 AND id = $1 AND balance = $2",
                               {std::string("bob"), std::int64_t{20}});
  EXPECT_EQ(rows.size(), 1u);
}

TYPED_TEST_P(DatabaseContract, SaysHowManyRowsAStatementChanged) {
  this->make_accounts();
  EXPECT_EQ(this->write("UPDATE accounts SET balance = balance + 1").changed, 2);
  EXPECT_EQ(this->write("UPDATE accounts SET balance = 0 WHERE id = 'absent'").changed, 0);
  EXPECT_EQ(this->read("SELECT id FROM accounts").changed, 0);
  EXPECT_EQ(this->write("INSERT INTO accounts VALUES ('ann', 1) ON CONFLICT (id) DO NOTHING").changed, 0);
  EXPECT_EQ(this->write("UPDATE accounts SET balance = 7 WHERE id = 'ann' RETURNING balance")[0].integer(0), 7);
}

TYPED_TEST_P(DatabaseContract, ShowsACommitToTheNextTransaction) {
  this->make_accounts();
  this->write("UPDATE accounts SET balance = 99 WHERE id = $1", {std::string("ann")});
  EXPECT_EQ(this->balance("ann"), 99);
}

TYPED_TEST_P(DatabaseContract, RollsBackATransactionThatIsDestroyed) {
  this->make_accounts();
  auto transaction = this->begin();
  this->rows(*transaction, "UPDATE accounts SET balance = 99 WHERE id = 'ann'");
  EXPECT_EQ(this->rows(*transaction, "SELECT balance FROM accounts WHERE id = 'ann'")[0].integer(0), 99);
  transaction.reset();
  EXPECT_EQ(this->balance("ann"), 10);
}

TYPED_TEST_P(DatabaseContract, TellsConstraintsApart) {
  this->make_accounts();
  auto unique = this->begin();
  EXPECT_EQ(this->execute(*unique, "INSERT INTO accounts VALUES ('ann', 1)").status().code(), StatusCode::kAlreadyExists);
  unique.reset();
  auto check = this->begin();
  EXPECT_EQ(this->execute(*check, "UPDATE accounts SET balance = -1").status().code(), StatusCode::kFailedPrecondition);
  check.reset();
  auto null = this->begin();
  EXPECT_EQ(this->execute(*null, "INSERT INTO accounts VALUES ('eve', NULL)").status().code(), StatusCode::kFailedPrecondition);
  null.reset();
  this->write("CREATE TABLE cards (account TEXT NOT NULL REFERENCES accounts (id))");
  auto foreign = this->begin();
  EXPECT_EQ(this->execute(*foreign, "INSERT INTO cards VALUES ('eve')").status().code(), StatusCode::kFailedPrecondition);
}

TYPED_TEST_P(DatabaseContract, EndsATransactionWithItsFirstError) {
  this->make_accounts();
  auto transaction = this->begin();
  this->rows(*transaction, "UPDATE accounts SET balance = 99 WHERE id = 'ann'");
  EXPECT_FALSE(this->execute(*transaction, "INSERT INTO accounts VALUES ('ann', 1)").ok());
  EXPECT_FALSE(this->execute(*transaction, "SELECT 1").ok());
  EXPECT_FALSE(this->get(transaction->commit()).ok());
  transaction.reset();
  EXPECT_EQ(this->balance("ann"), 10);
}

TYPED_TEST_P(DatabaseContract, CallsWrongSqlADefect) {
  auto transaction = this->begin();
  EXPECT_EQ(this->execute(*transaction, "SELEC 1").status().code(), StatusCode::kInternal);
  transaction = this->begin();
  EXPECT_EQ(this->execute(*transaction, "SELECT * FROM nowhere").status().code(), StatusCode::kInternal);
  transaction = this->begin();
  EXPECT_EQ(this->execute(*transaction, "SELECT $1", {}).status().code(), StatusCode::kInternal);
  transaction = this->begin(Access::kRead);
  EXPECT_EQ(this->execute(*transaction, "CREATE TABLE t (a BIGINT)").status().code(), StatusCode::kInternal);
}

TYPED_TEST_P(DatabaseContract, ReadsOneStatementInATransactionOfItsOwn) {
  this->make_accounts();
  auto reader = this->begin(Access::kReadOne);
  EXPECT_EQ(this->rows(*reader, "SELECT balance FROM accounts WHERE id = $1", {"ann"})[0].integer(0), 10);
  EXPECT_FALSE(this->execute(*reader, "SELECT 1").ok());
  reader = this->begin(Access::kReadOne);
  EXPECT_EQ(this->rows(*reader, "SELECT balance FROM accounts WHERE id = $1", {"ann"})[0].integer(0), 10);
  this->commit(*reader);
  reader = this->begin(Access::kReadOne);
  EXPECT_EQ(this->execute(*reader, "UPDATE accounts SET balance = 99").status().code(), StatusCode::kInternal);
  reader = this->begin(Access::kReadOne);
  EXPECT_EQ(this->execute(*reader, "SELECT * FROM nowhere").status().code(), StatusCode::kInternal);
  reader.reset();
  EXPECT_EQ(this->balance("ann"), 10);
  this->write("UPDATE accounts SET balance = 11");  // no turn was lost
}

TYPED_TEST_P(DatabaseContract, LosesNoUpdateOfWritersThatCompete) {
  this->make_accounts();
  std::vector<std::unique_ptr<Started<Status>>> writers;
  writers.reserve(20);
  for (int i = 0; i < 20; ++i) writers.push_back(this->start(increment<TypeParam>(this->database(), "ann")));
  for (auto& writer : writers) EXPECT_TRUE(this->await(*writer).ok());
  EXPECT_EQ(this->balance("ann"), 30);
}

// One state throughout, or ABORTED: start again.
TYPED_TEST_P(DatabaseContract, ShowsAReaderOneStateThroughout) {
  this->make_accounts();
  auto reader = this->begin(Access::kRead);
  EXPECT_EQ(this->rows(*reader, "SELECT balance FROM accounts WHERE id = 'ann'")[0].integer(0), 10);
  auto writer = this->start(increment<TypeParam>(this->database(), "ann"));
  this->run_for(std::chrono::seconds(1));
  const auto again = this->execute(*reader, "SELECT balance FROM accounts WHERE id = 'ann'");
  if (again.ok()) {
    EXPECT_EQ((*again)[0].integer(0), 10);
    this->commit(*reader);
  } else {
    EXPECT_EQ(again.status().code(), StatusCode::kAborted);
  }
  reader.reset();
  EXPECT_TRUE(this->await(*writer).ok());
  EXPECT_EQ(this->balance("ann"), 11);
}

TYPED_TEST_P(DatabaseContract, LetsAWriterWaitOnlyUntilItsDeadline) {
  this->make_accounts();
  std::vector<TransactionPtr> holders = this->begin_all();
  auto late = this->get(this->database().begin(Access::kWrite, this->in(std::chrono::seconds(1))));
  EXPECT_EQ(late.status().code(), StatusCode::kDeadlineExceeded);
  for (const auto& holder : holders) this->commit(*holder);
  this->write("UPDATE accounts SET balance = 1");  // the turn was not lost
}

TYPED_TEST_P(DatabaseContract, ForgetsAWriterThatIsDestroyedWhileItWaits) {
  this->make_accounts();
  std::vector<TransactionPtr> holders = this->begin_all();
  auto first = this->start(increment<TypeParam>(this->database(), "ann"));
  auto second = this->start(increment<TypeParam>(this->database(), "bob"));
  this->run_for(std::chrono::seconds(1));
  first.reset();
  holders.clear();
  EXPECT_TRUE(this->await(*second).ok());
  EXPECT_EQ(this->balance("ann"), 10);
  EXPECT_EQ(this->balance("bob"), 21);
}

// At every moment of its life: before its turn, with it, between statements, before the commit.
TYPED_TEST_P(DatabaseContract, StaysUsableWhereverAWriterIsDestroyed) {
  this->make_accounts();
  for (std::uint64_t steps = 0; steps < 40; ++steps) {
    this->begin_all();  // and release: what the round before has left under way is over
    auto holder = steps % 2 == 0 ? this->begin() : nullptr;
    const std::int64_t before = holder ? 0 : this->balance("ann");
    auto first = this->start(increment<TypeParam>(this->database(), "ann"));
    auto second = this->start(increment<TypeParam>(this->database(), "bob"));
    holder.reset();
    this->run_steps(steps);
    const bool ended = first->ended();
    first.reset();
    EXPECT_TRUE(this->await(*second).ok());
    if (before != 0 && ended) EXPECT_EQ(this->balance("ann"), before + 1);
  }
  EXPECT_EQ(this->balance("bob"), 60);
}

TYPED_TEST_P(DatabaseContract, RunsAScriptAsAWholeOrNotAtAll) {
  const Status status =
      this->get(this->database().run_script("CREATE TABLE one (a BIGINT); CREATE TABLE two (", this->in(this->kLong)));
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  auto transaction = this->begin();
  EXPECT_FALSE(this->execute(*transaction, "SELECT * FROM one").ok());
}

REGISTER_TYPED_TEST_SUITE_P(DatabaseContract, KeepsEveryKindOfValue, NumbersPlaceholdersByTheirNumberNotTheirOrder,
                            SaysHowManyRowsAStatementChanged, ShowsACommitToTheNextTransaction,
                            RollsBackATransactionThatIsDestroyed, TellsConstraintsApart, EndsATransactionWithItsFirstError,
                            CallsWrongSqlADefect, ReadsOneStatementInATransactionOfItsOwn, LosesNoUpdateOfWritersThatCompete,
                            ShowsAReaderOneStateThroughout, LetsAWriterWaitOnlyUntilItsDeadline,
                            ForgetsAWriterThatIsDestroyedWhileItWaits, StaysUsableWhereverAWriterIsDestroyed,
                            RunsAScriptAsAWholeOrNotAtAll);

}  // namespace reliant::tests

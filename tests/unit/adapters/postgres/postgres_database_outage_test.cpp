#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "adapters/postgres/postgres_database.h"
#include "base/cause.h"
#include "contract/database/database_contract_postgres.h"
#include "runtime/all.h"
#include "runtime/random.h"
#include "runtime/sleep.h"
#include "store/transact.h"
#include "support/started.h"

// What a caller of PostgresDatabase observes while its server stops, restarts, hangs or becomes read-only.

namespace reliant::tests {
namespace {

using adapters::PostgresOptions;
using ports::Access;
using ports::Rows;
using ports::Transaction;
using TransactionPtr = std::unique_ptr<Transaction>;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Counts itself up, and is settled by a mark.
struct CountUp {
  using Value = std::int64_t;
  static constexpr auto kInDoubt = store::InDoubt::kMark;
  Task<Result<Value>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("UPDATE counter SET n = n + 1 RETURNING n", {}));
    co_return rows[0].integer(0);
  }
};

class FrozenClock final : public Clock {
 public:
  explicit FrozenClock(Executor& executor) : executor_(executor) {}
  Instant now() const override { return executor_.now(); }
  WallTime wall_now() const override { return WallTime(seconds(1'700'000'000)); }

 private:
  Executor& executor_;
};

struct BreakingWorld {
  PostgresServer server;
  PostgresWorld world{server, {}};
  FrozenClock clock{world.executor()};
  store::Transactor transactor{world.database(), clock, Random(5)};

  // False: it did not end.
  bool run(Task<void> task) {
    bool ended = false;
    world.scope().spawn([](Task<void> body, bool& done) -> Task<void> {
      co_await std::move(body);
      done = true;
    }(std::move(task), ended));
    return world.run_until([&] { return ended; });
  }
  Task<void> prepare() {
    const Status made = co_await world.database().run_script(
        "CREATE TABLE counter (n BIGINT); INSERT INTO counter VALUES (0);"
        "CREATE TABLE commit_marks (owner TEXT, slot BIGINT, mark TEXT, PRIMARY KEY (owner, slot));",
        kNever);
    EXPECT_TRUE(made.ok()) << made;
  }
};

TEST(PostgresDatabase, CountsEveryWriteOnceWhileTheServerIsKilledAndStarted) {
  BreakingWorld world;
  const auto body = [](BreakingWorld& w) -> Task<void> {
    co_await w.prepare();
    std::int64_t counted = 0;
    bool over = false;
    const auto count = [](BreakingWorld& in, std::int64_t& up_to, bool& end) -> Task<void> {
      while (!end) {
        const auto value = co_await in.transactor.write(CountUp{}, kNever);
        EXPECT_TRUE(value.ok()) << value.status();
        EXPECT_EQ(value.value_or(-1), up_to + 1);
        up_to = value.value_or(-1);
      }
    };
    const auto break_it = [](BreakingWorld& in, const std::int64_t& up_to, bool& end) -> Task<void> {
      for (int round = 0; round < 5; ++round) {
        const std::int64_t enough = up_to + 50;
        while (enough > up_to) co_await sleep_for(milliseconds(1));
        in.server.kill();
        in.server.start();
      }
      end = true;
    };
    co_await all(count(w, counted, over), break_it(w, counted, over));
    EXPECT_GE(counted, 250);
  };
  EXPECT_TRUE(world.run(body(world)));
}

// As after a failover: the connections are to a server that takes no writes any more.
TEST(PostgresDatabase, LeavesAServerThatHasBecomeReadOnlyAndComesBack) {
  BreakingWorld world;
  const auto body = [](BreakingWorld& w) -> Task<void> {
    co_await w.prepare();
    EXPECT_EQ((co_await w.transactor.write(CountUp{}, kNever)).value_or(-1), 1);
    w.server.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    w.server.execute("SELECT pg_reload_conf()");
    StatusCode code = StatusCode::kOk;
    for (int i = 0; i < 1000 && code == StatusCode::kOk; ++i) {
      co_await sleep_for(milliseconds(5));  // the server's processes take the setting up one after the other
      auto writing = *co_await w.world.database().begin(Access::kWrite, kNever);
      code = (co_await writing->execute("UPDATE counter SET n = n", {})).status().code();
    }
    EXPECT_EQ(code, StatusCode::kUnavailable);
    const Status refused = (co_await w.transactor.write(CountUp{}, after(w.clock.now(), seconds(20)))).status();
    EXPECT_EQ(refused.code(), StatusCode::kUnavailable) << refused;
    w.server.execute("ALTER SYSTEM RESET default_transaction_read_only");
    w.server.execute("SELECT pg_reload_conf()");
    std::int64_t counted = -1;
    for (int i = 0; i < 1000 && counted < 0; ++i) {
      counted = (co_await w.transactor.write(CountUp{}, after(w.clock.now(), seconds(5)))).value_or(-1);
      if (counted < 0) co_await sleep_for(milliseconds(5));
    }
    EXPECT_EQ(counted, 2);
  };
  EXPECT_TRUE(world.run(body(world)));
}

// It took 29 s.
TEST(PostgresDatabase, ReportsAServerThatIsDownWithinTwoSeconds) {
  BreakingWorld world;
  const auto body = [](BreakingWorld& w) -> Task<void> {
    co_await w.prepare();
    w.server.stop();
    const Instant begun = w.clock.now();
    const Status down = (co_await w.transactor.write(CountUp{}, after(begun, seconds(30)))).status();
    EXPECT_EQ(down.code(), StatusCode::kUnavailable) << down;
    EXPECT_LT(w.clock.now() - begun, seconds(2));
    const Instant again = w.clock.now();
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(reason_of((co_await w.transactor.write(CountUp{}, after(again, seconds(30)))).status()),
                ports::kReasonDatabaseDown);
    EXPECT_LT(w.clock.now() - again, seconds(1));
    w.server.start();
    std::int64_t counted = -1;
    while (counted < 0) {
      counted = (co_await w.transactor.write(CountUp{}, kNever)).value_or(-1);
      if (counted < 0) co_await sleep_for(milliseconds(10));  // asks again: the server is not back yet
    }
    EXPECT_EQ(counted, 1);
  };
  EXPECT_TRUE(world.run(body(world)));
}

// A server that accepts connections and answers nothing: every waiting call fails, and later calls fail at once.
TEST(PostgresDatabase, ReportsAServerThatHangsWithinTwoSeconds) {
  BreakingWorld world;
  const auto body = [](BreakingWorld& w) -> Task<void> {
    co_await w.prepare();
    std::vector<TransactionPtr> open;
    const Instant late = after(w.clock.now(), seconds(30));
    while (open.size() < PostgresWorld::kWriters) {
      open.push_back(*co_await w.world.database().begin(Access::kWrite, late));
      EXPECT_TRUE((co_await open.back()->execute("SELECT 1", {})).ok());
    }
    EXPECT_TRUE((co_await open[0]->execute("UPDATE counter SET n = 100", {})).ok());
    w.server.freeze();
    const Instant begun = w.clock.now();
    const auto execute = [](ports::Transaction& transaction) -> Task<Status> {
      co_return (co_await transaction.execute("SELECT 1", {})).status();
    };
    const auto begin = [](ports::Database& database, Instant deadline) -> Task<Status> {
      co_return (co_await database.begin(Access::kRead, deadline)).status();
    };
    const auto [committed, executed, waited] =
        co_await all(open[0]->commit(), execute(*open[1]), begin(w.world.database(), late));
    EXPECT_LT(w.clock.now() - begun, seconds(2));
    EXPECT_EQ(reason_of(committed), kReasonCommitUnknown) << committed;
    EXPECT_EQ(reason_of(executed), ports::kReasonDatabaseDown) << executed;
    EXPECT_EQ(executed.code(), StatusCode::kUnavailable);
    EXPECT_EQ(reason_of(waited), ports::kReasonDatabaseDown) << waited;
    open.clear();
    const Instant again = w.clock.now();
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(reason_of((co_await w.transactor.write(CountUp{}, late)).status()), ports::kReasonDatabaseDown);
    EXPECT_LT(w.clock.now() - again, milliseconds(500));
    w.server.thaw();
    std::int64_t counted = -1;
    while (counted < 0) {
      counted = (co_await w.transactor.write(CountUp{}, kNever)).value_or(-1);
      if (counted < 0) co_await sleep_for(milliseconds(10));  // asks again: the server is not back yet
    }
    EXPECT_TRUE(counted == 1 || counted == 101) << counted;
  };
  EXPECT_TRUE(world.run(body(world)));
}

// None of it is a server that hangs: every connection of the pool is busy for longer than the silence timeout.
TEST(PostgresDatabase, WaitsForStatementsAndLocksThatTakeLong) {
  BreakingWorld world;
  const auto body = [](BreakingWorld& w) -> Task<void> {
    co_await w.prepare();
    const auto run = [](BreakingWorld& in, std::string sql) -> Task<Status> {
      CO_TRY_ASSIGN(const auto transaction, co_await in.world.database().begin(Access::kWrite, kNever));
      CO_TRY_OK((co_await transaction->execute(sql, {})).status());
      co_return co_await transaction->commit();
    };
    static_assert(PostgresWorld::kWriters == 3);
    const auto [first, second, third, fourth] = co_await all(run(w, "SELECT pg_advisory_xact_lock(1), pg_sleep(2.5)"),
                                                             run(w, "SELECT pg_advisory_xact_lock(1), pg_sleep(1)"),
                                                             run(w, "SELECT pg_sleep(2.5)"), run(w, "SELECT 1"));
    for (const Status& status : {first, second, third, fourth}) EXPECT_TRUE(status.ok()) << status;
  };
  EXPECT_TRUE(world.run(body(world)));
}

// What stands between them accepts, and swallows what is sent.
TEST(PostgresDatabase, ReportsASilentServerBehindAProxyWithinTwoSeconds) {
  const MuteServer mute;
  PostgresOptions options;
  options.url = concat("postgres://reliant@127.0.0.1:", mute.port(), "/postgres");
  PostgresWorld world(shared_postgres(), options);
  const auto ask = [](ports::Database& database) -> Task<Status> {
    CO_TRY_ASSIGN(const auto transaction, co_await database.begin(Access::kRead, kNever));
    co_return (co_await transaction->execute("SELECT 1", {})).status();
  };
  Started<Status> started(world.scope().context(), ask(world.database()));
  const Instant begun = world.executor().now();
  ASSERT_TRUE(world.run_until([&] { return started.ended(); }));
  EXPECT_LT(world.executor().now() - begun, seconds(2));
  EXPECT_EQ(reason_of(started.take()), ports::kReasonDatabaseDown);
}

// The timeout of a starting program is longer than that of a client: the server may be far away, or be starting, too.
TEST(PostgresDatabase, WaitsWhenItStartsForAServerThatIsSilent) {
  PostgresServer server;
  PostgresOptions options;
  PostgresWorld world(server, options);
  server.freeze();
  const Instant begun = world.executor().now();
  Started<Status> started(world.scope().context(), world.database().check(after(begun, seconds(20))));
  world.run_for(seconds(3));
  EXPECT_FALSE(started.ended());
  server.thaw();
  ASSERT_TRUE(world.run_until([&] { return started.ended(); }));
  const Status status = started.take();
  EXPECT_TRUE(status.ok()) << status;
  Started<Status> again(world.scope().context(),
                        [](PostgresServer& frozen, adapters::PostgresDatabase& database, Instant deadline) -> Task<Status> {
                          frozen.freeze();
                          co_return co_await database.check(deadline);
                        }(server, world.database(), after(world.executor().now(), seconds(4))));
  ASSERT_TRUE(world.run_until([&] { return again.ended(); }));
  EXPECT_EQ(again.take().code(), StatusCode::kUnavailable);
}

// Connecting to a distant server takes longer than the silence timeout; the connection serves from then on.
TEST(PostgresDatabase, KeepsAConnectionThatOpensAfterItsCallTimedOut) {
  PostgresServer server;
  PostgresWorld world(server, {});
  server.freeze();
  const auto ask = [](ports::Database& database) -> Task<Status> {
    CO_TRY_ASSIGN(const auto transaction, co_await database.begin(Access::kRead, kNever));
    co_return (co_await transaction->execute("SELECT 1", {})).status();
  };
  Started<Status> first(world.scope().context(), ask(world.database()));
  ASSERT_TRUE(world.run_until([&] { return first.ended(); }));
  EXPECT_EQ(reason_of(first.take()), ports::kReasonDatabaseDown);
  server.thaw();
  ASSERT_TRUE(world.run_until([&] { return world.database().load().in_use == 0; }));
  const Instant begun = world.executor().now();
  Started<Status> second(world.scope().context(), ask(world.database()));
  ASSERT_TRUE(world.run_until([&] { return second.ended(); }));
  EXPECT_TRUE(second.take().ok());
  EXPECT_LT(world.executor().now() - begun, seconds(1));
}

// Connections are made as they are needed.
TEST(PostgresDatabase, ReusesTheMostRecentConnection) {
  BreakingWorld world;
  const auto body = [](BreakingWorld& w) -> Task<void> {
    std::set<std::int64_t> processes;
    for (int i = 0; i < 5; ++i) {
      const auto transaction = *co_await w.world.database().begin(Access::kRead, kNever);
      const auto rows = co_await transaction->execute("SELECT pg_backend_pid()", {});
      processes.insert((*rows)[0].integer(0));
      EXPECT_TRUE((co_await transaction->commit()).ok());
    }
    EXPECT_EQ(processes.size(), 1U);
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(PostgresDatabase, ExecutorKeepsRunningWhileTheServerIsFrozen) {
  BreakingWorld world;
  const auto body = [](BreakingWorld& w) -> Task<void> {
    co_await w.prepare();
    EXPECT_EQ((co_await w.transactor.write(CountUp{}, kNever)).value_or(-1), 1);
    auto open = *co_await w.world.database().begin(Access::kWrite, after(w.clock.now(), seconds(2)));
    EXPECT_TRUE((co_await open->execute("UPDATE counter SET n = 100", {})).ok());
    TaskScope scope(w.world.executor(), 0);
    Duration longest{};
    const auto heartbeat = [](Executor& executor, Duration& worst) -> Task<void> {
      for (Instant last = executor.now();;) {
        co_await sleep_for(milliseconds(10));
        worst = std::max(worst, executor.now() - last);
        last = executor.now();
      }
    };
    scope.spawn(heartbeat(w.world.executor(), longest));
    w.server.freeze();
    const Instant limit = after(w.clock.now(), seconds(1));
    const Status late = (co_await w.transactor.write(CountUp{}, limit)).status();
    EXPECT_EQ(late.code(), StatusCode::kDeadlineExceeded) << late;
    EXPECT_LT(w.clock.now() - limit, seconds(1));
    EXPECT_EQ(reason_of(co_await open->commit()), kReasonCommitUnknown);
    open.reset();
    EXPECT_LT(longest, seconds(1));
    w.server.thaw();
    std::int64_t after_all = -1;
    while (after_all < 0) {
      after_all = (co_await w.transactor.write(CountUp{}, kNever)).value_or(-1);
      if (after_all < 0) co_await sleep_for(milliseconds(10));  // asks again: the server is not back yet
    }
    EXPECT_TRUE(after_all == 2 || after_all == 101) << after_all;  // the commit that was in doubt came first, or never
  };
  EXPECT_TRUE(world.run(body(world)));
}

// A connection, and its user.
struct OneCall {
  PostgresServer server;
  PostgresWorld world{server, {.call_timeout = milliseconds(700)}};

  static Task<void> ask(adapters::PostgresDatabase& database, std::string sql, Instant deadline) {
    const auto transaction = *co_await database.begin(Access::kWrite, deadline);
    const auto answer = co_await transaction->execute(sql, {});
    EXPECT_EQ(answer.status().code(), StatusCode::kDeadlineExceeded) << answer.status();
  }
  std::size_t in_use() { return world.database().load().in_use; }
};

TEST(PostgresDatabase, ClosesAHungConnectionEvenIfItsCallerIsGone) {
  OneCall call;
  auto who = std::make_unique<TaskScope>(call.world.executor(), 0);
  who->spawn(OneCall::ask(call.world.database(), "SELECT pg_sleep(3600)", kNever));
  ASSERT_TRUE(call.world.run_until([&] { return call.in_use() == 1; }));
  call.world.run_for(milliseconds(100));
  who.reset();
  EXPECT_EQ(call.in_use(), 1U);
  EXPECT_TRUE(call.world.run_until([&] { return call.in_use() == 0; }));
}

TEST(PostgresDatabase, SendsNothingOnAConnectionThatOpensAfterTheDeadline) {
  OneCall call;
  call.server.freeze();
  TaskScope who(call.world.executor(), 0);
  who.spawn(
      OneCall::ask(call.world.database(), "SELECT pg_sleep(3600)", after(call.world.executor().now(), milliseconds(200))));
  ASSERT_TRUE(call.world.run_until([&] { return who.size() == 0; }));
  EXPECT_EQ(call.in_use(), 1U);  // it is still connecting
  call.server.thaw();
  EXPECT_TRUE(call.world.run_until([&] { return call.in_use() == 0; }));
}

TEST(PostgresDatabase, SurvivesAServerRestartBetweenTwoTransactions) {
  BreakingWorld world;
  const auto body = [](BreakingWorld& w) -> Task<void> {
    co_await w.prepare();
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) {
        const Status status = co_await w.world.database().check(kNever);
        EXPECT_TRUE(status.ok()) << status;
      }
      w.server.stop();
      const Status down = co_await w.world.database().check(kNever);
      EXPECT_EQ(down.code(), StatusCode::kUnavailable);
      w.server.start();
    }
  };
  EXPECT_TRUE(world.run(body(world)));
}

}  // namespace
}  // namespace reliant::tests

#include "world/sim_database.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "kernel/simulation.h"
#include "runtime/sleep.h"
#include "support/started.h"
#include "world/network.h"

namespace reliant::tests {
namespace {

using ports::Access;
using ports::Rows;
using sim::CommitFault;
using std::chrono::milliseconds;
using std::chrono::seconds;
using TransactionPtr = std::unique_ptr<ports::Transaction>;

constexpr std::string_view kTable = "CREATE TABLE counter (n BIGINT NOT NULL); INSERT INTO counter VALUES (0);";
constexpr std::string_view kIncrement = "UPDATE counter SET n = n + 1";

Task<Status> increment(ports::Database& database, Instant deadline) {
  CO_TRY_ASSIGN(const TransactionPtr transaction, co_await database.begin(Access::kWrite, deadline));
  CO_TRY_OK((co_await transaction->execute(kIncrement, {})).status());
  co_return co_await transaction->commit();
}

Task<Result<std::int64_t>> read_counter(ports::Database& database, Instant deadline) {
  CO_TRY_ASSIGN(const TransactionPtr transaction, co_await database.begin(Access::kRead, deadline));
  CO_TRY_ASSIGN(const Rows rows, co_await transaction->execute("SELECT n FROM counter", {}));
  co_return rows[0].integer(0);
}

class World {
 public:
  explicit World(std::uint64_t seed = 1) : simulation(seed) {
    EXPECT_TRUE(get(server.contents().run_script(kTable, kNever)).ok());
  }
  Instant soon() { return simulation.now() + seconds(60); }
  template <class T>
  std::unique_ptr<Started<T>> start(Task<T> task) {  // beside all nodes, so that no crash ends it
    return std::make_unique<Started<T>>(simulation.world().context(), std::move(task));
  }
  template <class T>
  T get(Task<T> task) {
    auto started = start(std::move(task));
    return await(simulation.executor(), *started);
  }
  std::int64_t counter() { return *get(read_counter(server.contents(), kNever)); }

  sim::Simulation simulation;
  sim::Network network{simulation};
  sim::DatabaseServer server{network, simulation.add_node("db")};
  sim::Node& one = simulation.add_node("one");
  sim::Node& two = simulation.add_node("two");
};

TEST(SimDatabase, CommitOutcomesAreTruthful) {
  const struct {
    CommitFault fault;
    StatusCode code;
    std::int64_t written;
  } cases[] = {{CommitFault::kNone, StatusCode::kOk, 1},
               {CommitFault::kLostBefore, StatusCode::kUnavailable, 0},
               {CommitFault::kLostWhile, StatusCode::kUnknown, 0},
               {CommitFault::kLostAfter, StatusCode::kUnknown, 1},
               {CommitFault::kAborted, StatusCode::kAborted, 0}};
  for (const auto& expected : cases) {
    World world;
    sim::SimDatabase database(world.server, world.one);
    world.server.fail_next_commit(world.one, expected.fault);
    const Status status = world.get(increment(database, world.soon()));
    EXPECT_EQ(status.code(), expected.code);
    EXPECT_EQ(reason_of(status) == kReasonCommitUnknown, expected.code == StatusCode::kUnknown);
    EXPECT_EQ(world.counter(), expected.written);
    EXPECT_TRUE(world.get(increment(database, world.soon())).ok());  // only the next commit was to fail
  }
}

TEST(SimDatabase, FailsTheChosenCommit) {
  World world;
  sim::SimDatabase one(world.server, world.one);
  sim::SimDatabase two(world.server, world.two);
  world.server.fail_commit(&world.one, CommitFault::kLostBefore, 2);
  const auto code = [&](ports::Database& database) { return world.get(increment(database, world.soon())).code(); };
  EXPECT_EQ(code(one), StatusCode::kOk);
  EXPECT_EQ(code(two), StatusCode::kOk);  // of another client: not counted
  EXPECT_EQ(code(one), StatusCode::kOk);
  EXPECT_EQ(code(one), StatusCode::kUnavailable);
  EXPECT_EQ(code(one), StatusCode::kOk);
  EXPECT_EQ(world.counter(), 4);
  world.server.fail_commit(nullptr, CommitFault::kAborted, 1);
  EXPECT_EQ(code(one), StatusCode::kOk);
  EXPECT_EQ(code(two), StatusCode::kAborted);  // of whichever client
  world.server.fail_commit(&world.one, CommitFault::kAborted, 0);
  world.server.forget_plans();
  EXPECT_EQ(code(one), StatusCode::kOk);
}

TEST(SimDatabase, DrawsFaultsAtTheConfiguredRate) {
  World world;
  sim::SimDatabase database(world.server, world.one);
  world.server.faults() = {.lost_before = 100'000, .lost_after = 100'000};
  std::int64_t told = 0;
  std::int64_t doubtful = 0;
  for (int i = 0; i < 1000; ++i) {
    const Status status = world.get(increment(database, kNever));
    told += status.ok() ? 1 : 0;
    doubtful += reason_of(status) == kReasonCommitUnknown ? 1 : 0;
  }
  EXPECT_EQ(world.counter(), told + doubtful);
  EXPECT_GT(doubtful, 60);
  EXPECT_LT(doubtful, 140);
  EXPECT_GT(told, 720);
  EXPECT_LT(told, 880);
}

// A crash at every step of a transaction: all of it or nothing, and the others go on.
TEST(SimDatabase, SurvivesTheCrashOfAClientAnywhere) {
  std::set<std::int64_t> outcomes;
  for (std::uint64_t steps = 0; steps < 30; ++steps) {
    World world(steps);
    sim::SimDatabase database(world.server, world.one);
    auto own = std::make_unique<Started<Status>>(world.one.context(), increment(database, world.soon()));
    world.simulation.run(steps);
    own.reset();
    world.one.crash();
    sim::SimDatabase other(world.server, world.two);
    EXPECT_TRUE(world.get(increment(other, world.soon())).ok());
    outcomes.insert(world.counter());
    EXPECT_EQ(world.server.abandoned(), 0u);
  }
  EXPECT_EQ(outcomes, (std::set<std::int64_t>{1, 2}));
}

// The network has it already: a commit that a client has sent before its death may be executed after it.
TEST(SimDatabase, MayStillReceiveTheCommitOfAClientThatIsGone) {
  std::set<std::int64_t> outcomes;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    World world(seed);
    sim::SimDatabase database(world.server, world.one);
    auto transaction = *world.get(database.begin(Access::kWrite, world.soon()));
    ASSERT_TRUE(world.get(transaction->execute(kIncrement, {})).ok());
    auto commit = world.start(transaction->commit());
    world.simulation.run(1);  // sent
    commit.reset();
    transaction.reset();
    EXPECT_EQ(world.server.abandoned(), 1u);
    sim::SimDatabase other(world.server, world.two);
    EXPECT_TRUE(world.get(increment(other, world.soon())).ok());  // comes behind it, whatever became of it
    outcomes.insert(world.counter());
  }
  EXPECT_EQ(outcomes, (std::set<std::int64_t>{1, 2}));
}

TEST(SimDatabase, HoldsTheLockOfACutOffClientForFiveSeconds) {
  World world;
  sim::SimDatabase database(world.server, world.one);
  auto transaction = *world.get(database.begin(Access::kWrite, world.soon()));
  world.network.isolate(world.one);
  transaction.reset();
  const Instant cut = world.simulation.now();
  sim::SimDatabase other(world.server, world.two);
  EXPECT_TRUE(world.get(increment(other, world.soon())).ok());
  EXPECT_GE(world.simulation.now() - cut, seconds(5));
  EXPECT_LT(world.simulation.now() - cut, seconds(6));
}

TEST(SimDatabase, RollsBackATransactionThatIsIdleForFiveSeconds) {
  World world;
  sim::SimDatabase database(world.server, world.one);
  auto transaction = *world.get(database.begin(Access::kWrite, world.soon()));
  ASSERT_TRUE(world.get(transaction->execute(kIncrement, {})).ok());
  world.simulation.run_until(world.simulation.now() + milliseconds(4'900));
  ASSERT_TRUE(world.get(transaction->execute(kIncrement, {})).ok()) << "the idle time counts from the last statement";
  world.simulation.run_until(world.simulation.now() + seconds(5));
  sim::SimDatabase other(world.server, world.two);
  EXPECT_TRUE(world.get(increment(other, world.soon())).ok());
  EXPECT_FALSE(world.get(transaction->commit()).ok());
  EXPECT_EQ(world.counter(), 1);
}

TEST(SimDatabase, TakesTheLockFromAClientPausedWhenItIsGranted) {
  World world;
  sim::SimDatabase one(world.server, world.one);
  sim::SimDatabase two(world.server, world.two);
  auto first = world.get(one.begin(Access::kWrite, kNever));
  ASSERT_TRUE(first.ok());
  Started<Status> waits(world.two.context(), increment(two, kNever));
  world.simulation.run_for(seconds(1));
  world.two.pause();
  ASSERT_TRUE(world.get((*first)->commit()).ok());
  const Instant begin = world.simulation.now();
  EXPECT_TRUE(world.get(increment(one, world.soon())).ok());
  EXPECT_LT(world.simulation.now() - begin, seconds(6));
  world.two.resume();
  world.simulation.run_for(seconds(1));
  ASSERT_TRUE(waits.ended());
  EXPECT_EQ(waits.take().code(), StatusCode::kUnavailable);
  EXPECT_EQ(world.counter(), 1);
}

TEST(SimDatabase, NotifiesAClientWhoseConnectionWasDropped) {
  World world;
  sim::SimDatabase database(world.server, world.one);
  auto transaction = *world.get(database.begin(Access::kWrite, world.soon()));
  world.server.drop_connections(world.one);
  EXPECT_EQ(world.get(transaction->execute(kIncrement, {})).status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(world.get(increment(database, world.soon())).ok());
  EXPECT_EQ(world.counter(), 1);
}

TEST(SimDatabase, KeepsWhatWasCommittedWhenTheServerCrashes) {
  World world;
  sim::SimDatabase database(world.server, world.one);
  EXPECT_TRUE(world.get(increment(database, world.soon())).ok());
  auto open = *world.get(database.begin(Access::kWrite, world.soon()));
  ASSERT_TRUE(world.get(open->execute(kIncrement, {})).ok());
  world.server.node().crash();
  EXPECT_EQ(reason_of(world.get(open->commit())), kReasonCommitUnknown);
  EXPECT_FALSE(world.get(increment(database, world.soon())).ok());
  world.server.node().restart();
  EXPECT_TRUE(world.get(increment(database, world.soon())).ok());
  EXPECT_EQ(world.counter(), 2);
}

Task<void> commit_after_crash(sim::Node& node, ports::Transaction& transaction, bool& returned) {
  node.crash();
  (void)co_await transaction.commit();
  returned = true;
}

TEST(SimDatabase, DeadProcessHasNoEffect) {
  World world;
  sim::SimDatabase database(world.server, world.one);
  auto transaction = *world.get(database.begin(Access::kWrite, world.soon()));
  ASSERT_TRUE(world.get(transaction->execute(kIncrement, {})).ok());
  bool returned = false;
  world.one.spawn(commit_after_crash(world.one, *transaction, returned));
  world.simulation.run_for(seconds(1));
  EXPECT_FALSE(returned);
  transaction.reset();
  EXPECT_EQ(world.counter(), 0);
}

TEST(SimDatabase, RepeatsItselfFromItsSeed) {
  const auto hash_of = [](std::uint64_t seed) {
    World world(seed);
    world.server.faults() = {.lost_before = 200'000, .lost_while = 200'000};
    sim::SimDatabase one(world.server, world.one);
    sim::SimDatabase two(world.server, world.two);
    for (int i = 0; i < 20; ++i) {
      auto first = world.start(increment(one, world.soon()));
      auto second = world.start(increment(two, world.soon()));
      (void)await(world.simulation.executor(), *first);
      (void)await(world.simulation.executor(), *second);
    }
    return std::pair(world.simulation.hash(), world.counter());
  };
  EXPECT_EQ(hash_of(5), hash_of(5));
  EXPECT_NE(hash_of(5).first, hash_of(6).first);
}

TEST(SimFileDatabase, KeepsWhatReachedTheDiskBeforeACrash) {
  std::set<std::int64_t> outcomes;
  for (std::uint64_t steps = 0; steps < 10; ++steps) {
    World world(steps);
    sim::DatabaseFile file(world.simulation, world.one, "journal.db");
    ASSERT_TRUE(world.get(file.contents().run_script(kTable, kNever)).ok());
    bool told = false;
    {
      sim::SimFileDatabase database(file);
      Started<Status> own(world.one.context(), increment(database, world.soon()));
      world.simulation.run(steps);
      told = own.ended();
    }
    world.one.restart();
    sim::SimFileDatabase next_life(file);
    const std::int64_t found = *world.get(read_counter(next_life, kNever));
    outcomes.insert(found);
    if (told) EXPECT_EQ(found, 1);
    EXPECT_TRUE(world.get(increment(next_life, world.soon())).ok());
  }
  EXPECT_EQ(outcomes, (std::set<std::int64_t>{0, 1}));
}

TEST(SimFileDatabase, CopiesAreIndependent) {
  World world;
  sim::DatabaseBeginnings beginnings;
  sim::DatabaseFile one(world.simulation, world.one, "one.db", {}, &beginnings);
  sim::DatabaseFile other(world.simulation, world.one, "other.db", {}, &beginnings);
  sim::SimFileDatabase of_one(one);
  sim::SimFileDatabase of_other(other);
  EXPECT_FALSE(world.get(of_one.run_script("CREATE TABLE counter (", world.soon())).ok());
  for (ports::Database* database : {static_cast<ports::Database*>(&of_one), static_cast<ports::Database*>(&of_other)}) {
    ASSERT_TRUE(world.get(database->run_script(kTable, world.soon())).ok());
  }
  ASSERT_TRUE(world.get(increment(of_one, world.soon())).ok());
  sim::DatabaseFile late(world.simulation, world.one, "late.db", {}, &beginnings);
  sim::SimFileDatabase of_late(late);
  ASSERT_TRUE(world.get(of_late.run_script(kTable, world.soon())).ok());
  ASSERT_TRUE(world.get(increment(of_late, world.soon())).ok());
  ASSERT_TRUE(world.get(increment(of_late, world.soon())).ok());
  EXPECT_EQ(*world.get(read_counter(of_one, world.soon())), 1);
  EXPECT_EQ(*world.get(read_counter(of_other, world.soon())), 0);
  EXPECT_EQ(*world.get(read_counter(of_late, world.soon())), 2);
  EXPECT_FALSE(world.get(of_late.run_script(kTable, world.soon())).ok());  // no longer its beginning: the table is there
}

TEST(SimFileDatabase, CopiesShareNoLaterData) {
  sim::DatabaseBeginnings beginnings;
  for (const std::string_view change :
       {"UPDATE counter SET n = 7", "DELETE FROM counter", "CREATE TABLE more (n BIGINT)", "DROP TABLE counter"}) {
    for (const bool changes : {true, false}) {  // in a simulation of its own each
      World world;
      sim::DatabaseFile file(world.simulation, world.one, "file.db", {}, &beginnings);
      ports::Database& contents = file.contents();
      ASSERT_TRUE(world.get(contents.run_script(kTable, kNever)).ok());
      EXPECT_EQ(*world.get(read_counter(contents, kNever)), 0) << change;
      ASSERT_TRUE(world.get(increment(contents, kNever)).ok()) << change;
      EXPECT_EQ(*world.get(read_counter(contents, kNever)), 1) << change;
      EXPECT_FALSE(world.get(contents.run_script("DROP TABLE more", kNever)).ok()) << change;
      if (changes) ASSERT_TRUE(world.get(contents.run_script(change, kNever)).ok()) << change;
    }
  }
}

TEST(SimFileDatabase, DiesInTheCommitThatIsTorn) {
  for (const bool written : {false, true}) {
    World world;
    sim::DatabaseFile file(world.simulation, world.one, "journal.db");
    ASSERT_TRUE(world.get(file.contents().run_script(kTable, kNever)).ok());
    file.tear({.after = 1, .written = written});
    const sim::Incarnation life = world.one.incarnation();
    {
      sim::SimFileDatabase database(file);
      ASSERT_TRUE(world.get(increment(database, world.soon())).ok());
      Started<Status> torn(world.one.context(), increment(database, world.soon()));
      world.simulation.run_for(seconds(1));
      EXPECT_FALSE(torn.ended());  // the caller is dead
      EXPECT_FALSE(life.alive());
    }
    EXPECT_FALSE(file.tears());
    world.one.restart();
    sim::SimFileDatabase next_life(file);
    EXPECT_EQ(*world.get(read_counter(next_life, kNever)), written ? 2 : 1);
    EXPECT_TRUE(world.get(increment(next_life, world.soon())).ok());
  }
}

TEST(SimFileDatabase, RefusesWritesWhileTheDiskIsFull) {
  World world;
  sim::DatabaseFile file(world.simulation, world.one, "journal.db");
  ASSERT_TRUE(world.get(file.contents().run_script(kTable, kNever)).ok());
  sim::SimFileDatabase database(file);
  file.set_full(true);
  EXPECT_EQ(world.get(increment(database, world.soon())).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(*world.get(read_counter(database, world.soon())), 0);
  file.set_full(false);
  EXPECT_TRUE(world.get(increment(database, world.soon())).ok());
  EXPECT_EQ(*world.get(read_counter(database, world.soon())), 1);
}

TEST(SimFileDatabase, TakesAsLongAsItsDisk) {
  World world;
  sim::DatabaseFile file(world.simulation, world.one, "journal.db");
  ASSERT_TRUE(world.get(file.contents().run_script(kTable, kNever)).ok());
  sim::SimFileDatabase database(file);
  file.latency() = {.low = seconds(3), .high = seconds(4)};
  const Instant begin = world.simulation.now();
  EXPECT_TRUE(world.get(increment(database, world.soon())).ok());
  EXPECT_GE(world.simulation.now() - begin, seconds(3));
  EXPECT_LE(world.simulation.now() - begin, seconds(4));
}

}  // namespace
}  // namespace reliant::tests

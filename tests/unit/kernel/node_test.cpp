#include "kernel/node.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "kernel/simulation.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant(since_start); }

struct Life {
  explicit Life(int& living) : living_(living) { ++living_; }
  ~Life() { --living_; }
  int& living_;
};

struct Fixture {
  Simulation simulation{7};
  Node& node = simulation.add_node("a");
  int living = 0;
  int started = 0;
  int went_on = 0;
  int destroyed_by_log = 0;
};

Task<void> live(Fixture& fixture) {
  const Life life(fixture.living);
  ++fixture.started;
  Context& context = co_await ThisContext{};
  TaskScope scope(context);
  co_await never();
}

TEST(Node, ACrashDestroysItsFramesAndARestartRunsTheProgramAnew) {
  Fixture f;
  f.node.start([&f](Node&) { return live(f); });
  f.simulation.run();
  EXPECT_EQ(f.living, 1);
  const Incarnation first = f.node.incarnation();
  EXPECT_TRUE(first.alive());
  f.node.crash();
  EXPECT_FALSE(f.node.up());
  EXPECT_FALSE(first.alive());
  f.simulation.run();
  EXPECT_EQ(f.living, 0);
  f.node.restart();
  f.simulation.run();
  EXPECT_EQ(f.living, 1);
  EXPECT_EQ(f.started, 2);
  EXPECT_EQ(f.node.epoch(), 2u);
  EXPECT_FALSE(first.alive());
  EXPECT_TRUE(f.node.incarnation().alive());
}

TEST(Node, RestartingANodeThatIsUpCrashesItFirst) {
  Fixture f;
  f.node.start([&f](Node&) { return live(f); });
  f.simulation.run();
  for (int i = 0; i < 5; ++i) f.node.restart();
  f.simulation.run();
  EXPECT_EQ(f.living, 1);
  EXPECT_EQ(f.node.epoch(), 6u);
  EXPECT_EQ(f.started, 2);  // the lives in between ended before they began
}

TEST(Node, ACrashedNodeRefusesTasks) {
  Fixture f;
  f.node.crash();
  f.node.crash();
  EXPECT_EQ(f.node.epoch(), 2u);
  EXPECT_FALSE(f.node.spawn(live(f)));
  f.simulation.run();
  EXPECT_EQ(f.started, 0);
}

Task<void> crash_itself(Fixture& f) {
  const Life life(f.living);
  co_await sleep_for(1s);
  co_await f.node.crash_here();
  ++f.went_on;
}

TEST(Node, CrashHereNeverComesBack) {
  Fixture f;
  f.node.spawn(live(f));
  f.node.spawn(crash_itself(f));
  f.simulation.run();
  EXPECT_EQ(f.went_on, 0);
  EXPECT_EQ(f.living, 0);
  EXPECT_EQ(f.node.tasks(), 0u);
  EXPECT_FALSE(f.node.up());
}

Task<void> restart_itself(Fixture& f) {
  const Life life(f.living);
  ++f.started;
  if (f.started > 3) co_await never();
  co_await sleep_for(1s);
  f.node.restart();
  co_await yield();
  ++f.went_on;
}

TEST(Node, MayRestartItselfFromInside) {
  Fixture f;
  f.node.start([&f](Node&) { return restart_itself(f); });
  f.simulation.run();
  EXPECT_EQ(f.started, 4);
  EXPECT_EQ(f.went_on, 0);
  EXPECT_EQ(f.living, 1);
  EXPECT_EQ(f.node.epoch(), 4u);
  EXPECT_EQ(f.simulation.now(), at(3s));
}

struct LogsItsEnd {
  EventLog& log;
  ~LogsItsEnd() { log.info("test.ended"); }
};
Task<void> log_the_end(EventLog& log) {
  const LogsItsEnd logs{log};
  co_await never();
}

TEST(Node, ALifeThatHasEndedLogsNothing) {
  Fixture f;
  f.node.spawn(log_the_end(f.node.log()));
  f.simulation.run();
  f.node.restart();  // already up again when the old frames are destroyed
  f.simulation.run();
  EXPECT_EQ(f.node.tasks(), 0u);
  ASSERT_EQ(f.simulation.trace().recorded(), 1u);
  EXPECT_EQ(f.simulation.trace().records().back().name, "node.crashed");
  f.node.log().info("test.alive");
  EXPECT_EQ(f.simulation.trace().recorded(), 2u);
  EXPECT_EQ(f.simulation.trace().records().back().node, f.node.id());
}

struct Observer final : NodeObserver {
  void node_crashed(Node& node) override {
    EXPECT_FALSE(node.up());
    ++crashes;
  }
  void node_restarted(Node& node) override {
    EXPECT_TRUE(node.up());
    ++restarts;
  }
  int crashes = 0;
  int restarts = 0;
};

TEST(Node, TellsTheWorldOfCrashesAndRestarts) {
  Fixture f;
  Observer observer;
  f.node.add_observer(observer);
  f.node.crash();
  f.node.restart();
  f.node.restart();
  EXPECT_EQ(observer.crashes, 2);
  EXPECT_EQ(observer.restarts, 2);
  f.simulation.shutdown();
}

TEST(Node, HasOtherRandomNumbersInEachLife) {
  Fixture f;
  Random first = f.node.random("jitter");
  Random first_again = f.node.random("jitter");
  const std::uint64_t number = first.next();
  EXPECT_EQ(first_again.next(), number);
  f.node.restart();
  Random second = f.node.random("jitter");
  EXPECT_NE(second.next(), number);
}

TEST(SimClock, WallTimeStartsIn2026AndCanBeWrong) {
  Fixture f;
  Node& other = f.simulation.add_node("b");
  f.simulation.run_for(90s);
  f.node.clock().set_wall_offset(-5s);
  const WallTime start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  EXPECT_EQ(other.clock().wall_now(), start + 90s);
  EXPECT_EQ(f.node.clock().wall_now(), start + 85s);
  EXPECT_EQ(f.node.clock().now(), at(90s));
  f.node.restart();
  EXPECT_EQ(f.node.clock().wall_offset(), -5s);
}

void crash_another() {
  Simulation simulation(1);
  Node& victim = simulation.add_node("a");
  Node& other = simulation.add_node("b");
  struct Wrong {
    static Task<void> crash(Node& node) { co_await node.crash_here(); }
  };
  other.spawn(Wrong::crash(victim));
  simulation.run();
}

TEST(NodeDeathTest, CrashHereIsForTheNodeItself) { EXPECT_DEATH(crash_another(), "inside of its node"); }

}  // namespace
}  // namespace reliant::sim

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

TEST(Node, CrashDestroysItsFramesAndRestartRunsTheProgramAgain) {
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
  EXPECT_FALSE(f.node.try_spawn(live(f)));
  f.simulation.run();
  EXPECT_EQ(f.started, 0);
}

Task<void> crash_itself(Fixture& f) {
  const Life life(f.living);
  co_await sleep_for(1s);
  co_await f.node.crash_here();
  ++f.went_on;
}

TEST(Node, CrashHereNeverResumes) {
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

TEST(Node, AnEndedIncarnationLogsNothing) {
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

TEST(Node, NotifiesObserversOfCrashesAndRestarts) {
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

TEST(Node, EachIncarnationHasItsOwnRandomNumbers) {
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

// The actions of a program, with the time of its own clock.
struct Diary {
  std::vector<Instant> wakes;
  std::vector<Instant> shown;
};

Task<void> wake_every_second(Node& node, Diary& diary, const Simulation& simulation) {
  for (;;) {
    co_await sleep_for(1s);
    diary.wakes.push_back(simulation.now());
    diary.shown.push_back(node.clock().now());
  }
}

TEST(Node, APausedNodeDoesNothingAndThenGoesOn) {
  Fixture f;
  Node& other = f.simulation.add_node("b");
  Diary mine;
  Diary others;
  f.node.start([&](Node& node) { return wake_every_second(node, mine, f.simulation); });
  other.start([&](Node& node) { return wake_every_second(node, others, f.simulation); });
  f.simulation.run_until(at(2500ms));
  f.node.pause();
  f.simulation.run_until(at(7250ms));
  EXPECT_TRUE(f.node.paused());
  EXPECT_EQ(mine.wakes, (std::vector<Instant>{at(1s), at(2s)}));
  EXPECT_EQ(others.wakes.size(), 7u);
  f.node.resume();
  f.simulation.run_until(at(8500ms));
  EXPECT_EQ(mine.wakes, (std::vector<Instant>{at(1s), at(2s), at(7250ms), at(8250ms)})) << "what was due came at once";
  EXPECT_EQ(mine.shown.back(), at(8250ms)) << "its clock has gone on";
  f.simulation.shutdown();
}

TEST(Node, APausedNodeCanBeKilled) {
  Fixture f;
  f.node.start([&f](Node&) { return live(f); });
  f.simulation.run();
  f.node.pause();
  f.node.crash();
  f.simulation.run();
  EXPECT_EQ(f.living, 0);
  EXPECT_FALSE(f.node.paused());
  f.node.restart();
  f.simulation.run();
  EXPECT_EQ(f.living, 1);
  f.simulation.shutdown();
}

TEST(Node, TasksDestroyedDuringAPauseNeverRun) {
  Fixture f;
  Diary diary;
  auto scope = std::make_unique<TaskScope>(f.node.context());
  scope->spawn(wake_every_second(f.node, diary, f.simulation));
  f.simulation.run_for(10ms);
  f.node.pause();
  f.simulation.run_for(5s);
  scope.reset();
  f.node.resume();
  f.simulation.run_for(5s);
  EXPECT_TRUE(diary.wakes.empty());
  EXPECT_TRUE(f.simulation.quiescent());
}

TEST(Node, AClockThatRunsFastWakesItsNodeEarlyAndNeverBeforeItShowsTheTime) {
  Fixture f;
  Diary diary;
  f.node.start([&](Node& node) { return wake_every_second(node, diary, f.simulation); });
  f.node.set_clock_rate(250'000);
  f.simulation.run_until(at(8s));
  ASSERT_EQ(diary.wakes.size(), 10u);
  EXPECT_EQ(diary.wakes[0], at(800ms));
  EXPECT_EQ(diary.wakes[9], at(8s));
  for (std::size_t i = 0; i < diary.shown.size(); ++i) EXPECT_GE(diary.shown[i], at((i + 1) * 1s));
  f.node.set_clock_rate(0);
  f.simulation.run_until(at(9500ms));
  EXPECT_EQ(diary.wakes.back(), at(9s));
  EXPECT_EQ(diary.shown.back(), at(11s)) << "it stays ahead";
  f.simulation.shutdown();
}

TEST(Node, ANewRateMovesTheTimersThatAreSet) {
  Fixture f;
  Diary diary;
  f.node.start([&](Node& node) { return wake_every_second(node, diary, f.simulation); });
  f.simulation.run_until(at(500ms));
  f.node.set_clock_rate(-500'000);
  f.simulation.run_until(at(1600ms));
  EXPECT_EQ(diary.wakes, std::vector<Instant>{at(1500ms)});
  f.simulation.shutdown();
}

TEST(Node, TimersKeepTheirRemainingTimeWhenTheClockStopsDuringASleep) {
  Fixture f;
  Diary diary;
  f.node.start([&](Node& node) { return wake_every_second(node, diary, f.simulation); });
  f.simulation.run_until(at(1400ms));
  f.node.fall_asleep(1h);
  f.simulation.run_until(at(3601400ms));
  f.node.resume();
  const WallTime wall = f.node.clock().wall_now();
  EXPECT_EQ(wall, kWallStart + 1h + 1400ms) << "the wall clock has gone on";
  EXPECT_EQ(f.node.clock().now(), at(1400ms));
  f.simulation.run_until(at(3602100ms));
  ASSERT_EQ(diary.wakes.size(), 2u);
  EXPECT_EQ(diary.wakes[1], at(3602s));
  EXPECT_EQ(diary.shown[1], at(2s));
  f.simulation.shutdown();
}

TEST(Node, AnEarlyWakeStopsTheClockForTheActualSleep) {
  Fixture f;
  Diary diary;
  f.node.start([&](Node& node) { return wake_every_second(node, diary, f.simulation); });
  f.simulation.run_until(at(1400ms));
  f.node.fall_asleep(1h);
  f.simulation.run_until(at(11400ms));
  f.node.resume();
  EXPECT_EQ(f.node.clock().now(), at(1400ms));
  f.simulation.run_until(at(12500ms));
  EXPECT_EQ(diary.wakes.back(), at(12s));
  f.simulation.shutdown();
}

struct Ending {
  Instant asked{};
  Instant by{};
};

Task<void> end_when_asked(Node& node, Ending& ending) {
  ending.by = co_await node.until_asked_to_stop();
  ending.asked = node.clock().now();
  co_await sleep_for(1s);
  node.exit();
}

TEST(Node, StopLetsTheProgramEndInOrder) {
  Fixture f;
  Ending ending;
  f.node.start([&](Node& node) { return end_when_asked(node, ending); });
  f.simulation.run_for(5s);
  EXPECT_TRUE(f.node.up());
  f.node.ask_to_stop(10s);
  f.simulation.run_for(500ms);
  EXPECT_TRUE(f.node.up());
  f.simulation.run_for(1s);
  EXPECT_FALSE(f.node.up());
  EXPECT_TRUE(f.node.ended_in_order());
  EXPECT_EQ(ending.asked, at(5s));
  EXPECT_EQ(ending.by, at(15s));
  f.node.restart();
  f.simulation.run_for(5s);
  EXPECT_TRUE(f.node.up()) << "the next life has not been asked";
  f.node.crash();
  EXPECT_FALSE(f.node.ended_in_order());
  f.simulation.shutdown();
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

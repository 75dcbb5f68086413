// Workers against the embedded engine, on virtual time: their cache of runs, and their crashes, stops and new versions.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "unit/temporal/worker_engine_bodies.h"

namespace reliant::tests {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using temporal::CancelReason;
using temporal::Worker;
using temporal::WorkerOptions;

Task<void> stop(Worker& worker, Instant deadline, std::optional<bool>& done) {
  co_await worker.stop(deadline);
  done = true;
}

TEST(WorkerOnEngine, GivesTheSameWithoutACache) {
  std::string results[2];
  for (const std::size_t cached : {0, 600}) {
    Seen seen;
    TemporalWorld world;
    WorkerOptions options;
    options.cached_runs = cached;
    WorkerNode& worker = world.add_worker("w1", with(seen, {{"many_steps", &many_steps}}), options);
    results[cached == 0] = world.run("many_steps").value_or("?");
    EXPECT_EQ(seen.count("echo 1"), 15);
    EXPECT_EQ(worker.worker->cached_runs(), 0u);  // it has ended
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0].size(), 30u);
}

TEST(WorkerOnEngine, ReplaysARunThatWasEvicted) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& worker = world.add_worker("w1", with(seen, {{"many_steps", &many_steps}}));
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "many_steps"), world.soon())).ok());
  for (int i = 0; i < 9; ++i) {
    world.simulation.run_for(seconds(10));
    worker.worker->evict_all();
  }
  EXPECT_EQ(world.result().value_or("?").size(), 30u);
  EXPECT_EQ(seen.count("echo 1"), 15);
}

TEST(WorkerOnEngine, BuildsACachedRunOnce) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"many_steps", &many_steps}}));
  ASSERT_TRUE(world.run("many_steps").ok());
  int rebuilt = 0;
  for (const sim::TraceRecord& record : world.simulation.trace().records()) rebuilt += record.name == "temporal.run.rebuilt";
  EXPECT_EQ(rebuilt, 1);
}

TEST(WorkerOnEngine, KeepsNoMoreRunsThanItMay) {
  Seen seen;
  TemporalWorld world;
  WorkerOptions options;
  options.cached_runs = 2;
  WorkerNode& worker = world.add_worker("w1", with(seen, {{"many_steps", &many_steps}}), options);
  for (int i = 0; i < 6; ++i) {
    const auto start = world.start_of(concat("workflow ", i), "many_steps");
    ASSERT_TRUE(world.ask(world.client.start(start, world.soon())).ok());
  }
  world.simulation.run_for(seconds(10));
  EXPECT_LE(worker.worker->cached_runs(), 2u);
  for (int i = 0; i < 6; ++i) {
    const auto result = world.ask(world.client.result(concat("workflow ", i), "", after(world.simulation.now(), minutes(30))));
    EXPECT_EQ(result.value_or("?").size(), 30u);
  }
}

TEST(WorkerOnEngine, AnotherWorkerResumesTheWorkOfADeadOne) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& first = world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "one", "\"polite 1\""), world.soon())).ok());
  ASSERT_TRUE(world.until([&] { return seen.count("polite 1") == 1; }));
  world.add_worker("w2", with(seen, {{"one", &one_activity}}));
  first.node->crash();
  EXPECT_EQ(world.result().value_or("?"), "\"worked\"");
  EXPECT_EQ(seen.count("polite 2"), 1);
}

TEST(WorkerOnEngine, AWorkflowEndsDespiteRepeatedWorkerCrashes) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Seen seen;
    TemporalWorld world(seed);
    WorkerNode& worker = world.add_worker("w1", with(seen, {{"many_steps", &many_steps}}));
    ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "many_steps"), world.soon())).ok());
    Random random = world.simulation.random("crashes");
    for (int i = 0; i < 15; ++i) {
      world.simulation.run_for(random.duration(std::chrono::milliseconds(1), seconds(15)));
      worker.node->restart();
    }
    EXPECT_EQ(world.result().value_or("?").size(), 30u) << "seed " << seed;
  }
}

TEST(WorkerOnEngine, AWorkflowEndsAfterAWorkerCrashAtAnyStep) {
  for (std::uint64_t steps = 1; steps < 1000; steps += 7) {
    Seen seen;
    TemporalWorld world;
    WorkerNode& worker = world.add_worker("w1", with(seen, {{"many_steps", &many_steps}}));
    ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "many_steps"), world.soon())).ok());
    world.simulation.run(steps);
    worker.node->restart();
    EXPECT_EQ(world.result().value_or("?").size(), 30u) << "after " << steps << " steps";
  }
}

TEST(WorkerOnEngine, SurvivesCrashesOfTheServerAndLostAnswers) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Seen seen;
    TemporalWorld world(seed);
    world.add_worker("w1", with(seen, {{"many_steps", &many_steps}}));
    world.add_worker("w2", with(seen, {{"many_steps", &many_steps}}));
    world.server.faults().lost_request = 50'000;
    world.server.faults().lost_response = 50'000;
    auto start = world.start_of("workflow", "many_steps");
    start.request_id = "only one";
    ASSERT_TRUE(world.ask(world.client.start(start, world.soon())).ok());
    Random random = world.simulation.random("crashes");
    for (int i = 0; i < 10; ++i) {
      world.simulation.run_for(random.duration(std::chrono::milliseconds(1), seconds(15)));
      world.server.node().restart();
    }
    EXPECT_EQ(world.result().value_or("?").size(), 30u) << "seed " << seed;
  }
}

TEST(WorkerOnEngine, HandsItsActivitiesOnWhenItStops) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& first = world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "one", "\"polite 1\""), world.soon())).ok());
  ASSERT_TRUE(world.until([&] { return seen.count("polite 1") == 1; }));
  world.add_worker("w2", with(seen, {{"one", &one_activity}}));
  world.simulation.run_for(seconds(1));
  const Instant begin = world.simulation.now();
  std::optional<bool> stopped;
  first.node->spawn(stop(*first.worker, after(begin, seconds(20)), stopped));
  ASSERT_TRUE(world.until([&] { return stopped.has_value(); }));
  EXPECT_LE(world.simulation.now() - begin, seconds(20));
  EXPECT_EQ(seen.cancelled, (std::vector<CancelReason>{CancelReason::kShutdown}));
  EXPECT_FALSE(first.worker->health().ok());
  EXPECT_EQ(world.result().value_or("?"), "\"worked\"");
  EXPECT_EQ(seen.count("polite 2"), 1);
}

TEST(WorkerOnEngine, StopsAtOnceWhenNothingRuns) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& first = world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  world.simulation.run_for(seconds(5));
  const Instant begin = world.simulation.now();
  std::optional<bool> stopped;
  first.node->spawn(stop(*first.worker, after(begin, minutes(5)), stopped));
  ASSERT_TRUE(world.until([&] { return stopped.has_value(); }));
  EXPECT_LT(world.simulation.now() - begin, seconds(2));
}

TEST(WorkerOnEngine, TellsTheServerOfAnUnknownTypeUntilAWorkerKnowsIt) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& old = world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "hour"), world.soon())).ok());
  world.simulation.run_for(seconds(30));
  old.set_up = with(seen, {{"hour", &hour}});
  old.node->restart();
  EXPECT_EQ(world.result().value_or("?"), "60");
}

TEST(WorkerOnEngine, RefusesCodeThatDoesNotFitTheHistoryUntilItDoes) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& worker = world.add_worker("w1", with(seen, {{"changing", &hour}}));
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "changing", "\"echo 1\""), world.soon())).ok());
  world.simulation.run_for(minutes(1));
  worker.set_up = with(seen, {{"changing", &one_activity}});
  worker.node->restart();
  world.simulation.run_for(minutes(65));
  EXPECT_TRUE(seen.calls.empty());
  world.expected_errors = world.simulation.trace().errors();
  EXPECT_GT(world.expected_errors, 0u);
  worker.set_up = with(seen, {{"changing", &hour}});
  worker.node->restart();
  const auto result = world.result();
  EXPECT_TRUE(result.ok()) << result.status();
}

TEST(WorkerOnEngine, IsUnhealthyWhileItsServerIsAway) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& worker = world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  world.simulation.run_for(seconds(5));
  EXPECT_TRUE(worker.worker->health().ok());
  world.server.node().crash();
  world.simulation.run_for(seconds(60));
  EXPECT_EQ(worker.worker->health().code(), StatusCode::kUnavailable);
  world.server.node().restart();
  world.simulation.run_for(minutes(2));
  EXPECT_TRUE(worker.worker->health().ok());
}

}  // namespace
}  // namespace reliant::tests

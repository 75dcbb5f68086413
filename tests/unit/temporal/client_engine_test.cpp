// The client against the embedded engine, on virtual time.

#include <gtest/gtest.h>

#include "runtime/sleep.h"
#include "unit/temporal/worker_engine_bodies.h"

namespace reliant::tests {
namespace {

using std::chrono::seconds;
using temporal::WorkflowStatus;

TEST(ClientOnEngine, StartsAnIdOnce) {
  TemporalWorld world;
  auto start = world.start_of("workflow", "unknown type");
  start.request_id = "first";
  const auto first = world.ask(world.client.start(start, world.soon()));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(world.ask(world.client.start(start, world.soon()))->run_id, first->run_id);
  start.request_id = "second";
  const auto second = world.ask(world.client.start(start, world.soon()));
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  start.when_running = temporal::WhenRunning::kUseExisting;
  const auto third = world.ask(world.client.start(start, world.soon()));
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->run_id, first->run_id);
  EXPECT_FALSE(third->started);
}

TEST(ClientOnEngine, ReportsAnUnknownWorkflowAndATimeout) {
  TemporalWorld world;
  EXPECT_EQ(world.signal("word", "1").code(), StatusCode::kNotFound);
  EXPECT_EQ(world.result().status().code(), StatusCode::kNotFound);
  const auto start = world.start_of("workflow", "unknown type");
  ASSERT_TRUE(world.ask(world.client.start(start, world.soon())).ok());
  const auto late = world.ask(world.client.result("workflow", "", world.soon()));
  EXPECT_EQ(late.status().code(), StatusCode::kDeadlineExceeded);
}

TEST(ClientOnEngine, DescribesPendingWork) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  const auto start = world.start_of("workflow", "one", "\"flaky 9\"");
  ASSERT_TRUE(world.ask(world.client.start(start, world.soon())).ok());
  ASSERT_TRUE(world.until([&] { return seen.calls.size() == 3; }));
  const auto description = world.ask(world.client.describe("workflow", "", world.soon()));
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->status, WorkflowStatus::kRunning);
  EXPECT_EQ(description->type, "one");
  ASSERT_EQ(description->pending_activities.size(), 1u);
  EXPECT_EQ(description->pending_activities[0].type, "flaky");
  EXPECT_EQ(description->pending_activities[0].attempt, 3);
  EXPECT_EQ(description->pending_activities[0].last_failure, "not yet");
}

TEST(ClientOnEngine, WaitsForAServerThatIsAwayForAMoment) {
  TemporalWorld world;
  world.server.node().crash();
  const auto restart = [](TemporalWorld& w) -> Task<void> {
    co_await sleep_for(seconds(3));
    w.server.node().restart();
  };
  world.simulation.world().spawn(restart(world));
  const auto start = world.start_of("workflow", "unknown type");
  EXPECT_TRUE(world.ask(world.client.start(start, world.soon())).ok());
  world.server.node().crash();
  const Instant begin = world.simulation.now();
  EXPECT_EQ(world.signal("word", "1").code(), StatusCode::kUnavailable);
  EXPECT_LE(world.simulation.now() - begin, seconds(15));
}

}  // namespace
}  // namespace reliant::tests

// Workers against the embedded engine, end to end, on virtual time: workflows and activities.

#include <gtest/gtest.h>

#include <memory>
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
using temporal::WorkflowStatus;

TEST(WorkerOnEngine, RunsAWorkflowAndItsActivity) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  const auto result = world.run("one", "\"echo 42\"");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, "42");
  EXPECT_LT(world.simulation.now().time_since_epoch(), seconds(2));
}

TEST(WorkerOnEngine, RepeatsAnActivityThatFailsWithItsHeartbeatDetails) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  EXPECT_EQ(world.run("one", "\"flaky 2\"").value_or("?"), "3");
  EXPECT_EQ(seen.calls, (std::vector<std::string>{"flaky 1 ", "flaky 2 1", "flaky 3 2"}));
}

TEST(WorkerOnEngine, DoesNotRepeatWhatCannotSucceed) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  const auto result = world.run("one", "\"forbidden 1\"");
  EXPECT_EQ(result.status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(reason_of(result.status()), "LOCKED");
  EXPECT_EQ(seen.calls.size(), 1u);
}

TEST(WorkerOnEngine, AnExceptionOfAnActivityIsAFailure) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  EXPECT_EQ(world.run("one", "\"throwing 1\"").value_or("?"), "\"recovered\"");
}

TEST(WorkerOnEngine, SleepsInTimeThatPassesWithoutIt) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"hour", &hour}}));
  EXPECT_EQ(world.run("hour").value_or("?"), "60");
}

TEST(WorkerOnEngine, ReceivesEverySignalOnceAndInOrder) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"listener", &listener}}));
  temporal::SignalWorkflow first;
  first.name = "word";
  first.input = "\"a\"";
  first.request_id = "request a";
  const auto started = world.ask(world.client.signal_with_start(world.start_of("workflow", "listener"), first, world.soon()));
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_TRUE(started->started);
  // The same again, as after a lost answer.
  const auto again = world.ask(world.client.signal_with_start(world.start_of("workflow", "listener"), first, world.soon()));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->run_id, started->run_id);
  for (const char* word : {"b", "c", "d", "e"}) {
    ASSERT_TRUE(world.signal("word", concat("\"", word, "\""), concat("request ", word)).ok());
    ASSERT_TRUE(world.signal("word", concat("\"", word, "\""), concat("request ", word)).ok());
  }
  ASSERT_TRUE(world.signal("word", "\"end\"").ok());
  EXPECT_EQ(world.result().value_or("?"), "\"abcde\"");
}

// No worker polls for them: they come with the answer to the workflow task.
TEST(WorkerOnEngine, ReceivesEagerActivities) {
  Seen seen;
  TemporalWorld world;
  WorkerOptions options;
  options.activity_pollers = 0;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}), options);
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "one", "\"echo 7\""), world.soon())).ok());
  EXPECT_EQ(world.result().value_or("?"), "7");
  EXPECT_EQ(seen.count("echo 1"), 1);
}

TEST(WorkerOnEngine, ActivitiesWithoutASlotGoToPollers) {
  Seen seen;
  TemporalWorld world;
  WorkerOptions options;
  options.activity_pollers = 1;
  options.concurrent_activities = 1;  // the poll has the slot
  world.add_worker("w1", with(seen, {{"one", &one_activity}}), options);
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "one", "\"echo 7\""), world.soon())).ok());
  EXPECT_EQ(world.result().value_or("?"), "7");
}

TEST(WorkerOnEngine, NotifiesARunningActivityOfItsCancellation) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "one", "\"polite 1\""), world.soon())).ok());
  ASSERT_TRUE(world.until([&] { return seen.count("polite 1") == 1; }));
  const Instant asked = world.simulation.now();
  ASSERT_TRUE(world.ask(world.client.cancel("workflow", "", "enough", world.soon())).ok());
  EXPECT_EQ(world.result().status().code(), StatusCode::kCancelled);
  EXPECT_EQ(seen.cancelled, (std::vector<CancelReason>{CancelReason::kRequested}));
  EXPECT_LT(world.simulation.now() - asked, seconds(6));
  const auto description = world.ask(world.client.describe("workflow", "", world.soon()));
  EXPECT_EQ(description->status, WorkflowStatus::kCancelled);
}

TEST(WorkerOnEngine, DestroysAnActivityThatDoesNotEndWithinItsGrace) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& worker = world.add_worker("w1", with(seen, {{"impatient", &impatient}}));
  EXPECT_EQ(world.run("impatient").value_or("?"), "\"gave up\"");
  EXPECT_EQ(seen.destroyed, 1);
  EXPECT_EQ(seen.count("stubborn"), 1);
  EXPECT_EQ(worker.worker->running_activities(), 0u);
}

TEST(WorkerOnEngine, DestroysAnActivityWhoseWorkflowWasTerminated) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "one", "\"polite 1\""), world.soon())).ok());
  ASSERT_TRUE(world.until([&] { return seen.count("polite 1") == 1; }));
  ASSERT_TRUE(world.ask(world.client.terminate("workflow", "", "enough", world.soon())).ok());
  ASSERT_TRUE(world.until([&] { return !seen.cancelled.empty(); }));
  EXPECT_EQ(seen.cancelled, (std::vector<CancelReason>{CancelReason::kLost}));
  EXPECT_EQ(world.result().status().code(), StatusCode::kAborted);
}

TEST(WorkerOnEngine, FollowsAWorkflowThatContinuesAsNew) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"counts_down", &counts_down}}));
  const auto started = world.ask(world.client.start(world.start_of("workflow", "counts_down", "3"), world.soon()));
  ASSERT_TRUE(started.ok());
  const auto result = world.ask(world.client.result("workflow", started->run_id, after(world.simulation.now(), minutes(5))));
  EXPECT_EQ(result.value_or("?"), "\"later\"");
  EXPECT_EQ(seen.count("echo 1"), 3);
}

TEST(WorkerOnEngine, AnswersQueriesWhileItWaitsAndAfterItsEnd) {
  TemporalWorld world;
  world.add_worker("w1", [](Worker& worker, sim::Node&) {
    worker.register_workflow("answering", [] { return std::make_unique<Answering>(); });
  });
  ASSERT_TRUE(world.ask(world.client.start(world.start_of("workflow", "answering"), world.soon())).ok());
  const auto count = [&world] {
    const auto answer = world.ask(world.client.query("workflow", "", "count", "7", world.soon()));
    return answer.ok() ? *answer : std::string(message_of(answer.status()));
  };
  EXPECT_EQ(count(), "07");
  ASSERT_TRUE(world.signal("word", "1").ok());
  EXPECT_EQ(count(), "17");
  ASSERT_TRUE(world.signal("word", "1").ok());
  ASSERT_TRUE(world.signal("word", "1").ok());
  EXPECT_EQ(world.result().value_or("?"), "3");
  EXPECT_EQ(count(), "37");
  const auto unknown = world.ask(world.client.query("workflow", "", "colour", "", world.soon()));
  EXPECT_EQ(unknown.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace reliant::tests

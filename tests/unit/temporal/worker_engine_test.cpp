// Workers against the embedded engine, end to end, on virtual time.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "runtime/all.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "unit/temporal/temporal_world.h"

namespace reliant::tests {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using temporal::ActivityContext;
using temporal::ActivityOptions;
using temporal::CancelReason;
using temporal::Worker;
using temporal::WorkerOptions;
using temporal::WorkflowContext;
using temporal::WorkflowStatus;

ActivityOptions watched() {
  ActivityOptions options;
  options.start_to_close = minutes(5);
  options.heartbeat = seconds(10);
  return options;
}

// What activities saw, over all workers and lives.
struct Seen {
  std::vector<std::string> calls;
  std::vector<CancelReason> cancelled;
  int destroyed = 0;

  int count(const std::string& call) const {
    return static_cast<int>(std::count(calls.begin(), calls.end(), call));
  }
};

struct Destroyed {
  explicit Destroyed(Seen& where) : seen(where) {}
  ~Destroyed() { ++seen.destroyed; }
  Seen& seen;
};

// --- activities -------------------------------------------------------------------------------------------

Task<Result<std::string>> echo(Seen& seen, ActivityContext& context, std::string input) {
  seen.calls.push_back(concat("echo ", context.info().attempt));
  co_return input;
}
// Fails as often as its input says.
Task<Result<std::string>> flaky(Seen& seen, ActivityContext& context, std::string input) {
  seen.calls.push_back(concat("flaky ", context.info().attempt, " ", context.info().heartbeat_details));
  context.heartbeat(concat(context.info().attempt));
  co_await sleep_for(seconds(1));
  if (context.info().attempt <= input[0] - '0') co_return unavailable("not yet");
  co_return concat(context.info().attempt);
}
Task<Result<std::string>> forbidden(Seen& seen, ActivityContext&, std::string) {
  seen.calls.push_back("forbidden");
  co_return with_reason(permission_denied("no entry"), "LOCKED");
}
Task<Result<std::string>> throwing(Seen& seen, ActivityContext& context, std::string) {
  seen.calls.push_back("throwing");
  if (context.info().attempt == 1) throw std::runtime_error("boom");
  co_return "\"recovered\"";
}
// A minute of work that can be told to stop.
Task<Result<std::string>> polite(Seen& seen, ActivityContext& context, std::string) {
  seen.calls.push_back(concat("polite ", context.info().attempt));
  const bool told = co_await context.cancelled().wait(after(context.info().deadline, -minutes(4)));
  if (!told) co_return "\"worked\"";
  seen.cancelled.push_back(context.cancel_reason());
  co_await sleep_for(seconds(1));  // tells somebody
  co_return cancelled("stopped");
}
Task<Result<std::string>> stubborn(Seen& seen, ActivityContext&, std::string) {
  const Destroyed destroyed(seen);
  seen.calls.push_back("stubborn");
  co_await never();
  co_return "";
}

std::function<void(Worker&, sim::Node&)> with(Seen& seen,
                                              std::vector<std::pair<std::string, WorkflowBody>> bodies) {
  return [&seen, bodies](Worker& worker, sim::Node&) {
    for (const auto& [type, body] : bodies) worker.register_workflow(type, workflow_of(body));
    using Activity = Task<Result<std::string>> (*)(Seen&, ActivityContext&, std::string);
    const std::pair<const char*, Activity> activities[] = {
        {"echo", &echo},         {"flaky", &flaky},   {"forbidden", &forbidden},
        {"throwing", &throwing}, {"polite", &polite}, {"stubborn", &stubborn}};
    for (const auto& [type, activity] : activities) {
      worker.register_activity(type,
                               [&seen, function = activity](ActivityContext& context, std::string input) {
                                 return function(seen, context, std::move(input));
                               });
    }
  };
}

// --- workflows --------------------------------------------------------------------------------------------

// Input "type input": runs that activity.
Task<Result<std::string>> one_activity(WorkflowContext& context, std::string input) {
  const std::size_t space = input.find(' ');
  ActivityOptions options = watched();
  options.cancel_when = &context.cancel_requested();
  co_return co_await context.execute_activity(input.substr(1, space - 1),
                                              input.substr(space + 1, input.size() - space - 2), options);
}
Task<Result<std::string>> many_steps(WorkflowContext& context, std::string) {
  std::string log;
  for (int i = 0; i < 5; ++i) {
    std::vector<Task<Result<std::string>>> tasks;
    for (int j = 0; j < 3; ++j) tasks.push_back(context.execute_activity("echo", concat(i, j), watched()));
    for (const auto& result : co_await all(std::move(tasks))) log += result.value_or("?");
    co_await context.sleep(seconds(20));
  }
  co_return log;
}
Task<Result<std::string>> hour(WorkflowContext& context, std::string) {
  const WallTime begin = context.now();
  co_await context.sleep(minutes(60));
  co_return concat((context.now() - begin) / minutes(1));
}
// Collects words until "end".
Task<Result<std::string>> listener(WorkflowContext& context, std::string) {
  std::string heard = "\"";
  for (;;) {
    const std::string word = co_await context.receive_signal("word");
    if (word == "\"end\"") break;
    (void)co_await context.execute_activity("echo", word, watched());
    heard += word.substr(1, word.size() - 2);
  }
  co_return heard + "\"";
}
Task<Result<std::string>> counts_down(WorkflowContext& context, std::string input) {
  if (input == "0")
    co_return concat("\"", context.info().run_id == context.info().first_run_id ? "first" : "later", "\"");
  (void)co_await context.execute_activity("echo", input, watched());
  co_return context.continue_as_new(concat(input[0] - '0' - 1));
}
Task<Result<std::string>> impatient(WorkflowContext& context, std::string) {
  auto first = co_await race(context.execute_activity("stubborn", "", watched()), context.sleep(seconds(5)));
  if (first.index() == 0) co_return "\"?\"";
  co_await context.sleep(minutes(1));
  co_return "\"gave up\"";
}

class Answering final : public temporal::Workflow {
 public:
  Task<Result<std::string>> run(WorkflowContext& context, std::string) override {
    for (; count_ < 3; ++count_) (void)co_await context.receive_signal("word");
    co_return concat(count_);
  }
  Result<std::string> query(std::string_view name, std::string_view arguments) override {
    if (name == "count") return concat(count_, arguments);
    return Workflow::query(name, arguments);
  }

 private:
  int count_ = 0;
};

// --- tests ------------------------------------------------------------------------------------------------

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

TEST(WorkerOnEngine, TakesAnExceptionOfAnActivityForAFailure) {
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

TEST(WorkerOnEngine, HearsEverySignalOnceAndInOrder) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"listener", &listener}}));
  temporal::SignalWorkflow first;
  first.name = "word";
  first.input = "\"a\"";
  first.request_id = "request a";
  const auto started =
      world.ask(world.client.signal_with_start(world.start_of("workflow", "listener"), first, world.soon()));
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_TRUE(started->started);
  // The same again, as after a lost answer.
  const auto again =
      world.ask(world.client.signal_with_start(world.start_of("workflow", "listener"), first, world.soon()));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->run_id, started->run_id);
  for (const char* word : {"b", "c", "d", "e"}) {
    ASSERT_TRUE(world.signal("word", concat("\"", word, "\""), concat("request ", word)).ok());
    ASSERT_TRUE(world.signal("word", concat("\"", word, "\""), concat("request ", word)).ok());
  }
  ASSERT_TRUE(world.signal("word", "\"end\"").ok());
  EXPECT_EQ(world.result().value_or("?"), "\"abcde\"");
}

// Nobody polls for them: they come with the answer to the workflow task.
TEST(WorkerOnEngine, IsHandedActivitiesWithTheAnswerToAWorkflowTask) {
  Seen seen;
  TemporalWorld world;
  WorkerOptions options;
  options.activity_pollers = 0;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}), options);
  ASSERT_TRUE(
      world.ask(world.client.start(world.start_of("workflow", "one", "\"echo 7\""), world.soon())).ok());
  EXPECT_EQ(world.result().value_or("?"), "7");
  EXPECT_EQ(seen.count("echo 1"), 1);
}

TEST(WorkerOnEngine, LeavesActivitiesForWhichItHasNoSlotToThosePolling) {
  Seen seen;
  TemporalWorld world;
  WorkerOptions options;
  options.activity_pollers = 1;
  options.concurrent_activities = 1;  // the poll has the slot
  world.add_worker("w1", with(seen, {{"one", &one_activity}}), options);
  ASSERT_TRUE(
      world.ask(world.client.start(world.start_of("workflow", "one", "\"echo 7\""), world.soon())).ok());
  EXPECT_EQ(world.result().value_or("?"), "7");
}

TEST(WorkerOnEngine, TellsARunningActivityOfItsCancellation) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  ASSERT_TRUE(
      world.ask(world.client.start(world.start_of("workflow", "one", "\"polite 1\""), world.soon())).ok());
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

TEST(WorkerOnEngine, LetsGoOfAnActivityWhoseWorkflowWasTerminated) {
  Seen seen;
  TemporalWorld world;
  world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  ASSERT_TRUE(
      world.ask(world.client.start(world.start_of("workflow", "one", "\"polite 1\""), world.soon())).ok());
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
  const auto started =
      world.ask(world.client.start(world.start_of("workflow", "counts_down", "3"), world.soon()));
  ASSERT_TRUE(started.ok());
  const auto result =
      world.ask(world.client.result("workflow", started->run_id, after(world.simulation.now(), minutes(5))));
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
  for (const sim::TraceRecord& record : world.simulation.trace().records())
    rebuilt += record.name == "temporal.run.rebuilt";
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
    const auto result = world.ask(
        world.client.result(concat("workflow ", i), "", after(world.simulation.now(), minutes(30))));
    EXPECT_EQ(result.value_or("?").size(), 30u);
  }
}

TEST(WorkerOnEngine, AnotherWorkerTakesUpWhatADeadOneHad) {
  Seen seen;
  TemporalWorld world;
  WorkerNode& first = world.add_worker("w1", with(seen, {{"one", &one_activity}}));
  ASSERT_TRUE(
      world.ask(world.client.start(world.start_of("workflow", "one", "\"polite 1\""), world.soon())).ok());
  ASSERT_TRUE(world.until([&] { return seen.count("polite 1") == 1; }));
  world.add_worker("w2", with(seen, {{"one", &one_activity}}));
  first.node->crash();
  EXPECT_EQ(world.result().value_or("?"), "\"worked\"");
  EXPECT_EQ(seen.count("polite 2"), 1);
}

TEST(WorkerOnEngine, EndsAWorkflowThoughItsWorkerDiesAgainAndAgain) {
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

TEST(WorkerOnEngine, EndsAWorkflowWhereverItsWorkerDies) {
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
  ASSERT_TRUE(
      world.ask(world.client.start(world.start_of("workflow", "one", "\"polite 1\""), world.soon())).ok());
  ASSERT_TRUE(world.until([&] { return seen.count("polite 1") == 1; }));
  world.add_worker("w2", with(seen, {{"one", &one_activity}}));
  world.simulation.run_for(seconds(1));
  const Instant begin = world.simulation.now();
  std::optional<bool> stopped;
  const auto stop = [](Worker& worker, Instant deadline, std::optional<bool>& done) -> Task<void> {
    co_await worker.stop(deadline);
    done = true;
  };
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
  const auto stop = [](Worker& worker, Instant deadline, std::optional<bool>& done) -> Task<void> {
    co_await worker.stop(deadline);
    done = true;
  };
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
  ASSERT_TRUE(
      world.ask(world.client.start(world.start_of("workflow", "changing", "\"echo 1\""), world.soon())).ok());
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

// --- the client -------------------------------------------------------------------------------------------

TEST(ClientOnEngine, StartsAnIdOnce) {
  TemporalWorld world;
  auto start = world.start_of("workflow", "nobody knows it");
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

TEST(ClientOnEngine, SaysWhenThereIsNoSuchWorkflowOrNoEndInTime) {
  TemporalWorld world;
  EXPECT_EQ(world.signal("word", "1").code(), StatusCode::kNotFound);
  EXPECT_EQ(world.result().status().code(), StatusCode::kNotFound);
  const auto start = world.start_of("workflow", "nobody knows it");
  ASSERT_TRUE(world.ask(world.client.start(start, world.soon())).ok());
  const auto late = world.ask(world.client.result("workflow", "", world.soon()));
  EXPECT_EQ(late.status().code(), StatusCode::kDeadlineExceeded);
}

TEST(ClientOnEngine, DescribesWhatAWorkflowWaitsFor) {
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
  const auto start = world.start_of("workflow", "nobody knows it");
  EXPECT_TRUE(world.ask(world.client.start(start, world.soon())).ok());
  world.server.node().crash();
  const Instant begin = world.simulation.now();
  EXPECT_EQ(world.signal("word", "1").code(), StatusCode::kUnavailable);
  EXPECT_LE(world.simulation.now() - begin, seconds(15));
}

}  // namespace
}  // namespace reliant::tests

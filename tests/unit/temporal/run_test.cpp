// A workflow's code over histories: what it asks for, and that every replay asks for the same.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/all.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"
#include "support/run_driver.h"
#include "temporal/workflow.h"

namespace reliant::tests {
namespace {

using temporal::ActivityOptions;
using temporal::WorkflowContext;
using Commands = std::vector<std::string>;

ActivityOptions minute() {
  ActivityOptions options;
  options.start_to_close = std::chrono::minutes(1);
  return options;
}

Task<Result<std::string>> greet(WorkflowContext& context, std::string input) {
  auto hello = co_await context.execute_activity("hello", input, minute());
  if (!hello.ok()) co_return hello.status();
  co_await context.sleep(std::chrono::seconds(5));
  co_return co_await context.execute_activity("bye", *hello, minute());
}

// Every prefix and the whole give what the live run gave.
void expect_replays(const RunDriver& driver, const MakeWorkflow& make) {
  for (int round = 0; round < 2; ++round) {
    for (std::size_t index = 0; index < driver.tasks().size(); ++index) {
      const auto again = driver.replay_to(index, make);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_EQ(*again, driver.tasks()[index].commands) << "task " << index;
    }
    EXPECT_TRUE(driver.replay_all().ok()) << driver.replay_all();
  }
}

TEST(WorkflowRun, RunsActivitiesAndTimersInTheOrderOfTheCode) {
  RunDriver driver(workflow_of(&greet), "\"world\"");
  EXPECT_EQ(driver.task(), (Commands{"activity 1 hello \"world\""}));
  driver.history().activity_completed("1", "\"hi\"");
  EXPECT_EQ(driver.task(), (Commands{"timer 1 5s"}));
  driver.history().timer_fired("1");
  EXPECT_EQ(driver.task(), (Commands{"activity 2 bye \"hi\""}));
  driver.history().activity_completed("2", "\"done\"");
  EXPECT_EQ(driver.task(), (Commands{"complete \"done\""}));
  EXPECT_TRUE(driver.run().ended());
  expect_replays(driver, workflow_of(&greet));
}

// The code of before the patch, and of after it.
Task<Result<std::string>> unpatched(WorkflowContext& context, std::string) {
  co_await context.sleep(std::chrono::seconds(1));
  co_return co_await context.execute_activity("old", "", minute());
}
Task<Result<std::string>> patched(WorkflowContext& context, std::string) {
  co_await context.sleep(std::chrono::seconds(1));
  const bool taken = context.patched("newer");
  co_return co_await context.execute_activity(taken ? "new" : "old", context.patched("newer") ? "1" : "0", minute());
}

TEST(WorkflowRun, TakesThePatchInARunThatReachesItNow) {
  RunDriver driver(workflow_of(&patched));
  EXPECT_EQ(driver.task(), (Commands{"timer 1 1s"}));
  driver.history().timer_fired("1");
  EXPECT_EQ(driver.task(), (Commands{"marker core_patch", "activity 1 new 1"}));
  driver.evict();
  driver.history().activity_completed("1", "\"done\"");
  EXPECT_EQ(driver.task(), (Commands{"complete \"done\""}));
  expect_replays(driver, workflow_of(&patched));
}

TEST(WorkflowRun, KeepsTheCodeOfBeforeThePatchInARunThatPassedIt) {
  RunDriver driver(workflow_of(&unpatched));
  EXPECT_EQ(driver.task(), (Commands{"timer 1 1s"}));
  driver.history().timer_fired("1");
  EXPECT_EQ(driver.task(), (Commands{"activity 1 old "}));
  const Status replayed = driver.replay_all(workflow_of(&patched));
  EXPECT_TRUE(replayed.ok()) << replayed;
}

TEST(WorkflowRun, RefusesAHistoryWhosePatchTheCodeDoesNotKnow) {
  RunDriver driver(workflow_of(&patched));
  driver.task();
  driver.history().timer_fired("1");
  driver.task();
  const Status replayed = driver.replay_all(workflow_of(&unpatched));
  EXPECT_NE(message_of(replayed).find("RecordMarker newer"), std::string_view::npos) << replayed;
}

TEST(WorkflowRun, FailsWithTheStatusThatTheCodeReturns) {
  RunDriver driver(workflow_of(&greet), "\"world\"");
  driver.task();
  driver.history().activity_failed("1", not_found("no such world"));
  EXPECT_EQ(driver.task(), (Commands{"fail NOT_FOUND no such world"}));
  expect_replays(driver, workflow_of(&greet));
}

TEST(WorkflowRun, TellsATimeoutAsDeadlineExceeded) {
  RunDriver driver(workflow_of(&greet), "1");
  driver.task();
  driver.history().activity_timed_out("1");
  EXPECT_EQ(driver.task(), (Commands{"fail DEADLINE_EXCEEDED activity StartToClose timeout"}));
}

Task<Result<std::string>> fan_out(WorkflowContext& context, std::string) {
  std::vector<Task<Result<std::string>>> tasks;
  for (const char* name : {"a", "b", "c"}) tasks.push_back(context.execute_activity(name, "", minute()));
  std::string joined;
  for (const Result<std::string>& result : co_await all(std::move(tasks))) joined += result.value_or("-");
  co_return joined;
}

TEST(WorkflowRun, RunsActivitiesInParallelAndKeepsTheirOrder) {
  RunDriver driver(workflow_of(&fan_out));
  EXPECT_EQ(driver.task(), (Commands{"activity 1 a ", "activity 2 b ", "activity 3 c "}));
  driver.history().activity_completed("3", "3");
  EXPECT_EQ(driver.task(), (Commands{}));
  driver.history().activity_completed("1", "1");
  driver.history().activity_failed("2", internal_error("no"));
  EXPECT_EQ(driver.task(), (Commands{"complete 1-3"}));
  expect_replays(driver, workflow_of(&fan_out));
}

Task<Result<std::string>> first_of(WorkflowContext& context, std::string) {
  auto first = co_await race(context.execute_activity("slow", "", minute()), context.sleep(std::chrono::seconds(3)));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  co_return "\"late\"";
}

TEST(WorkflowRun, DestroyingAnActivitysTaskRequestsItsCancellation) {
  RunDriver driver(workflow_of(&first_of));
  EXPECT_EQ(driver.task(), (Commands{"activity 1 slow ", "timer 1 3s"}));
  driver.history().timer_fired("1");
  EXPECT_EQ(driver.task(), (Commands{"cancel activity at 5", "complete \"late\""}));
  expect_replays(driver, workflow_of(&first_of));
}

TEST(WorkflowRun, DestroyingASleepCancelsItsTimer) {
  RunDriver driver(workflow_of(&first_of));
  driver.task();
  driver.history().activity_completed("1", "\"in time\"");
  EXPECT_EQ(driver.task(), (Commands{"cancel timer 1", "complete \"in time\""}));
  expect_replays(driver, workflow_of(&first_of));
}

Task<Result<std::string>> changes_its_mind(WorkflowContext& context, std::string) {
  {
    auto first = co_await race(context.execute_activity("never", "", minute()), context.sleep(Duration::zero()));
    if (first.index() == 0) co_return "\"wrong\"";
  }
  co_return co_await context.execute_activity("other", "", minute());
}

TEST(WorkflowRun, CommandsCancelledBeforeTheyAreSentAreDropped) {
  RunDriver driver(workflow_of(&changes_its_mind));
  EXPECT_EQ(driver.task(), (Commands{"activity 2 other "}));
  driver.history().activity_completed("2", "2");
  EXPECT_EQ(driver.task(), (Commands{"complete 2"}));
  expect_replays(driver, workflow_of(&changes_its_mind));
}

Task<Result<std::string>> stoppable(WorkflowContext& context, std::string) {
  ActivityOptions options = minute();
  options.cancel_when = &context.cancel_requested();
  auto result = co_await context.execute_activity("work", "", options);
  if (!result.ok()) co_return result.status();
  co_return *result;
}

TEST(WorkflowRun, AwaitsTheOutcomeOfAnActivityThatItCancels) {
  RunDriver driver(workflow_of(&stoppable));
  driver.task();
  driver.history().cancel_requested();
  EXPECT_EQ(driver.task(), (Commands{"cancel activity at 5"}));
  driver.history().activity_cancelled("1");
  EXPECT_EQ(driver.task(), (Commands{"cancel workflow"}));
  expect_replays(driver, workflow_of(&stoppable));
}

TEST(WorkflowRun, TakesTheResultOfAnActivityThatFinishedDespiteItsCancellation) {
  RunDriver driver(workflow_of(&stoppable));
  driver.task();
  driver.history().cancel_requested();
  driver.task();
  driver.history().activity_completed("1", "\"done anyway\"");
  EXPECT_EQ(driver.task(), (Commands{"complete \"done anyway\""}));
  expect_replays(driver, workflow_of(&stoppable));
}

TEST(WorkflowRun, IsCancelledBeforeItsFirstStepWithoutSendingAnything) {
  RunDriver driver(workflow_of(&stoppable));
  driver.history().cancel_requested();
  EXPECT_EQ(driver.task(), (Commands{"cancel workflow"}));
  expect_replays(driver, workflow_of(&stoppable));
}

Task<Result<std::string>> listens(WorkflowContext& context, std::string) {
  std::string heard;
  while (heard.size() < 3) {
    auto next = co_await race(context.receive_signal("word"), context.execute_activity("think", "", minute()));
    heard += next.index() == 0 ? std::get<0>(next) : std::string("!");
  }
  co_return heard;
}

TEST(WorkflowRun, DeliversSignalsBeforeEverythingElseOfATask) {
  RunDriver driver(workflow_of(&listens));
  driver.history().signalled("word", "a");
  // The signal was there first, so its activity was never sent.
  EXPECT_EQ(driver.task(), (Commands{"activity 1 think "}));
  driver.history().activity_completed("1", "");
  driver.history().signalled("word", "b");
  driver.history().signalled("other", "x");
  EXPECT_EQ(driver.task(), (Commands{"activity 2 think "}));
  driver.history().signalled("word", "c");
  EXPECT_EQ(driver.task(), (Commands{"cancel activity at 14", "complete abc"}));
  expect_replays(driver, workflow_of(&listens));
}

TEST(WorkflowRun, DiscardsTheCommandsOfAFailedTask) {
  RunDriver driver(workflow_of(&listens));
  EXPECT_EQ(driver.task(), (Commands{"activity 1 think "}));
  driver.history().activity_completed("1", "");
  EXPECT_EQ(driver.lost_task(), (Commands{"activity 2 think "}));
  driver.history().signalled("word", "s");
  // Now the signal is known when the task starts, and comes first: the failed task did not happen.
  EXPECT_EQ(driver.task(), (Commands{"activity 2 think "}));
  expect_replays(driver, workflow_of(&listens));
}

TEST(WorkflowRun, RequestsAReplayWhenItsLastTaskWasLost) {
  RunDriver driver(workflow_of(&greet));
  HistoryBuilder& history = driver.history();
  history.task_scheduled();
  history.task_started();
  for (const HistoryEvent& event : history.events()) ASSERT_TRUE(driver.run().apply(event).ok());
  ASSERT_TRUE(driver.run().activate().ok());
  history.task_timed_out();
  const Status status = driver.run().apply(history.events().back());
  EXPECT_EQ(reason_of(status), temporal::kReasonStale);
  EXPECT_TRUE(driver.run().broken());
}

Task<Result<std::string>> goes_on(WorkflowContext& context, std::string input) {
  (void)co_await context.receive_signal("go");
  if (context.continue_as_new_suggested()) co_return context.continue_as_new(input + "+");
  co_return input;
}

TEST(WorkflowRun, ContinuesAsNewWithItsInput) {
  RunDriver driver(workflow_of(&goes_on), "1");
  driver.task();
  driver.history().signalled("go", "");
  EXPECT_EQ(driver.task(true), (Commands{"continue as new 1+"}));
  expect_replays(driver, workflow_of(&goes_on));
}

Task<Result<std::string>> draws(WorkflowContext& context, std::string) {
  const auto number = context.random().below(1'000'000);
  const auto time = context.now().time_since_epoch().count();
  auto result = co_await context.execute_activity("tell", concat(number, " ", time), minute());
  co_return *result;
}

TEST(WorkflowRun, DrawsTheSameNumbersAndSeesTheSameTimeInEveryReplay) {
  RunDriver driver(workflow_of(&draws));
  driver.history().advance(std::chrono::seconds(7));
  driver.task();
  driver.history().advance(std::chrono::hours(7));
  driver.history().activity_completed("1", "");
  driver.task();
  expect_replays(driver, workflow_of(&draws));
}

// --- what must be found out -------------------------------------------------------------------------------

RunDriver greeted() {
  RunDriver driver(workflow_of(&greet), "1");
  driver.task();
  driver.history().activity_completed("1", "2");
  driver.task();
  driver.history().timer_fired("1");
  driver.task();
  driver.history().activity_completed("2", "3");
  driver.task();
  return driver;
}

std::string mismatch(WorkflowBody changed) {
  const Status status = greeted().replay_all(workflow_of(changed));
  EXPECT_EQ(reason_of(status), temporal::kReasonNondeterminism) << status;
  return std::string(message_of(status));
}

Task<Result<std::string>> other_type(WorkflowContext& context, std::string input) {
  co_return co_await context.execute_activity("hullo", input, minute());
}
Task<Result<std::string>> other_order(WorkflowContext& context, std::string input) {
  co_await context.sleep(std::chrono::seconds(5));
  co_return co_await context.execute_activity("hello", input, minute());
}
Task<Result<std::string>> ends_early(WorkflowContext& context, std::string input) {
  co_return co_await context.execute_activity("hello", input, minute());
}
Task<Result<std::string>> does_more(WorkflowContext& context, std::string input) {
  std::vector<Task<Result<std::string>>> tasks;
  tasks.push_back(context.execute_activity("hello", input, minute()));
  tasks.push_back(context.execute_activity("hello", input, minute()));
  auto results = co_await all(std::move(tasks));
  co_return results[0];
}
Task<Result<std::string>> does_nothing(WorkflowContext& context, std::string) {
  co_return co_await context.receive_signal("never");
}
Task<Result<std::string>> skips_the_timer(WorkflowContext& context, std::string input) {
  (void)co_await context.execute_activity("hello", input, minute());
  co_return co_await context.execute_activity("bye", "2", minute());
}

TEST(Nondeterminism, ReportsTheEventAndTheCommand) {
  EXPECT_EQ(mismatch(&other_type),
            "nondeterminism: event 5 is the result of ScheduleActivityTask 1 of type hello, but the "
            "workflow's code "
            "asked for ScheduleActivityTask 1 of type hullo");
  EXPECT_EQ(mismatch(&other_order),
            "nondeterminism: event 5 is the result of ScheduleActivityTask 1 of type hello, but the "
            "workflow's code "
            "asked for StartTimer 1");
  EXPECT_EQ(mismatch(&ends_early),
            "nondeterminism: event 11 is the result of StartTimer 1, but the workflow's code asked for "
            "CompleteWorkflowExecution");
  EXPECT_EQ(mismatch(&does_more),
            "nondeterminism: the workflow's code asked for ScheduleActivityTask 2 of type hello, but the "
            "history goes "
            "on with event 6, ActivityTaskStarted");
  EXPECT_EQ(mismatch(&does_nothing),
            "nondeterminism: event 5 is the result of ScheduleActivityTask 1 of type hello, which the "
            "workflow's code "
            "did not ask for");
  EXPECT_EQ(mismatch(&skips_the_timer),
            "nondeterminism: event 11 is the result of StartTimer 1, but the workflow's code asked for "
            "ScheduleActivityTask 2 of type bye");
}

Task<Result<std::string>> sleeps_locally(WorkflowContext&, std::string) {
  co_await sleep_for(std::chrono::seconds(1));
  co_return "";
}
Task<Result<std::string>> never_rests(WorkflowContext&, std::string) {
  for (;;) co_await yield();
}
Task<Result<std::string>> throws(WorkflowContext& context, std::string) {
  (void)co_await context.receive_signal("go");
  throw std::runtime_error("boom");
}

TEST(WorkflowFault, IsCodeThatWaitsForATimerOfTheExecutor) {
  RunDriver driver(workflow_of(&sleeps_locally));
  EXPECT_EQ(driver.task(), (Commands{"workflow code: it waits for a timer of the executor; use "
                                     "WorkflowContext::sleep"}));
  EXPECT_TRUE(driver.run().broken());
}

TEST(WorkflowFault, IsCodeThatNeverRests) {
  RunDriver driver(workflow_of(&never_rests));
  EXPECT_EQ(driver.task(), (Commands{"workflow code: it does not come to rest; does it loop without waiting?"}));
}

TEST(WorkflowFault, IsAnException) {
  RunDriver driver(workflow_of(&throws));
  driver.task();
  driver.history().signalled("go", "");
  EXPECT_EQ(driver.task(), (Commands{"workflow code: boom"}));
}

TEST(BadHistory, IsAnErrorAndNeverAnAbort) {
  RunDriver driver = greeted();
  const std::vector<HistoryEvent> whole = driver.history().events();
  // Without any one event, and with any two neighbours exchanged.
  for (std::size_t gap = 0; gap + 1 < whole.size(); ++gap) {
    for (const bool exchange : {false, true}) {
      std::vector<HistoryEvent> broken = whole;
      if (exchange) {
        broken[gap].Swap(&broken[gap + 1]);
        broken[gap].set_event_id(static_cast<std::int64_t>(gap) + 1);
        broken[gap + 1].set_event_id(static_cast<std::int64_t>(gap) + 2);
      } else {
        broken.erase(broken.begin() + static_cast<std::ptrdiff_t>(gap));
        for (std::size_t i = gap; i < broken.size(); ++i) broken[i].set_event_id(static_cast<std::int64_t>(i) + 1);
      }
      temporal::WorkflowRun run("workflow", "run", workflow_of(&greet)());
      Status status;
      for (const HistoryEvent& event : broken) {
        status = run.apply(event);
        if (!status.ok()) break;
      }
      // Some exchanges make another good history, and ActivityTaskStarted tells nothing that is needed.
      if (exchange || whole[gap].has_activity_task_started_event_attributes()) continue;
      EXPECT_FALSE(status.ok()) << gap;
    }
  }
}

}  // namespace
}  // namespace reliant::tests

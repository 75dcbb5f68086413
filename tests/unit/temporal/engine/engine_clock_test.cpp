// The engine's time when the machine's calendar is set to another one.
#include "unit/temporal/engine/engine_world.h"

namespace reliant::tests {
namespace {

using Command = ::temporal::api::command::v1::Command;

constexpr auto kHour = std::chrono::hours(1);

Command timer(int seconds) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_TIMER);
  command.mutable_start_timer_command_attributes()->set_timer_id("timer");
  command.mutable_start_timer_command_attributes()->mutable_start_to_fire_timeout()->set_seconds(seconds);
  return command;
}

Command activity(std::string_view id) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
  auto& attributes = *command.mutable_schedule_activity_task_command_attributes();
  attributes.set_activity_id(std::string(id));
  attributes.mutable_activity_type()->set_name("work");
  attributes.mutable_task_queue()->set_name("queue");
  attributes.mutable_start_to_close_timeout()->set_seconds(20);
  attributes.mutable_retry_policy()->mutable_initial_interval()->set_seconds(15);
  attributes.mutable_retry_policy()->set_maximum_attempts(2);
  return command;
}

class EngineClock : public ::testing::Test {
 protected:
  // A workflow whose first task gave these commands.
  void start(std::string_view id, std::vector<Command> commands) {
    ASSERT_TRUE(world_.send(id, "1").ok());
    wf::RespondWorkflowTaskCompletedRequest request;
    request.set_namespace_("default");
    request.set_task_token(world_.next_task().task_token());
    for (Command& command : commands) *request.add_commands() = std::move(command);
    ASSERT_TRUE(world_.get(world_.engine().respond_workflow_task_completed(request, kNever)).ok());
  }
  void fail(const wf::PollActivityTaskQueueResponse& task) {
    wf::RespondActivityTaskFailedRequest request;
    request.set_namespace_("default");
    request.set_task_token(task.task_token());
    request.mutable_failure()->set_message("broken");
    ASSERT_TRUE(world_.get(world_.engine().respond_activity_task_failed(request, kNever)).ok());
  }
  int fired(std::string_view id) { return world_.events(id, enums::EVENT_TYPE_TIMER_FIRED); }
  int timed_out_tasks(std::string_view id) { return world_.events(id, enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT); }

  EngineWorld world_;
};

TEST_F(EngineClock, GoesOnWhereItWasAfterTheCalendarWasSetBackWhileItWasDown) {
  start("timer", {timer(30)});
  start("hanging", {activity("1")});
  const auto hanging = world_.next_activity(std::chrono::seconds(1));
  start("failing", {activity("1")});
  fail(world_.next_activity(std::chrono::seconds(1)));
  ASSERT_TRUE(world_.send("task", "1").ok());
  (void)world_.next_task();  // its worker dies: ten seconds
  world_.run_for(std::chrono::seconds(5));
  ASSERT_EQ(hanging.workflow_execution().workflow_id(), "hanging");

  world_.set_calendar(-kHour);
  world_.restart();
  world_.run_for(std::chrono::seconds(3));
  EXPECT_EQ(timed_out_tasks("task"), 0) << "nothing is due before its time";
  world_.run_for(std::chrono::seconds(8));
  EXPECT_EQ(timed_out_tasks("task"), 1) << "a workflow task is timed out";
  EXPECT_EQ(world_.next_activity(std::chrono::seconds(12)).attempt(), 2) << "an activity is tried again";
  EXPECT_EQ(fired("timer"), 0);
  world_.run_for(std::chrono::seconds(20));
  EXPECT_EQ(fired("timer"), 1);
  EXPECT_EQ(world_.next_activity(std::chrono::seconds(1)).workflow_execution().workflow_id(), "hanging")
      << "one that hung, too";
}

TEST_F(EngineClock, PersistsItsTimeEveryMinuteWhenIdle) {
  start("timer", {timer(600)});
  world_.run_for(std::chrono::seconds(570));
  world_.set_calendar(-kHour);
  world_.restart();
  world_.run_for(std::chrono::seconds(25));
  EXPECT_EQ(fired("timer"), 0);
  world_.run_for(std::chrono::seconds(70));
  EXPECT_EQ(fired("timer"), 1);
}

TEST_F(EngineClock, RecoversFromAWallClockThatWasAhead) {
  world_.set_calendar(2 * kHour);
  start("timer", {timer(30)});
  world_.set_calendar(Duration::zero());
  world_.restart();
  world_.run_for(std::chrono::seconds(28));
  EXPECT_EQ(fired("timer"), 0);
  world_.run_for(std::chrono::seconds(4));
  EXPECT_EQ(fired("timer"), 1);
}

TEST_F(EngineClock, GoesWithTheCalendarAgainWhenThatHasCaughtUp) {
  start("before", {timer(7200)});
  world_.set_calendar(-kHour);
  world_.restart();
  world_.run_for(std::chrono::seconds(10));
  world_.set_calendar(kHour);  // and an hour more went by than the machine has noticed
  world_.run_for(std::chrono::seconds(70));
  EXPECT_EQ(fired("before"), 0);
  world_.run_for(kHour);
  EXPECT_EQ(fired("before"), 1);
}

// Without a timer nothing is written while nothing happens: its time goes back as far as the last change, and no further.
TEST_F(EngineClock, WritesNoEventBeforeAnotherAfterAnHourInWhichNothingWasDue) {
  world_.run_for(std::chrono::seconds(5));
  ASSERT_TRUE(world_.send("chat", "1").ok());
  world_.run_for(kHour);
  world_.set_calendar(-3 * kHour);
  world_.restart();
  ASSERT_TRUE(world_.send("chat", "2").ok());
  const auto history = world_.history("chat");
  ASSERT_EQ(world_.signals("chat"), 2);
  const auto nanos = [](const auto& event) {
    return event.event_time().seconds() * 1'000'000'000 + event.event_time().nanos();
  };
  for (int i = 1; i < history.events_size(); ++i) EXPECT_GE(nanos(history.events(i)), nanos(history.events(i - 1))) << i;
  EXPECT_LT(nanos(*history.events().rbegin()), nanos(history.events(0)) + std::chrono::nanoseconds(kHour).count())
      << "the calendar was not behind it";
}

}  // namespace
}  // namespace reliant::tests

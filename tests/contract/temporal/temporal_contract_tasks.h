// The contract of ports::Temporal, part 2: activities and timers. See temporal_contract.h.
#pragma once

#include "contract/temporal/temporal_contract.h"

namespace reliant::tests {

TYPED_TEST_P(TemporalContract, RetriesAnActivityWithoutATraceUntilItSucceeds) {
  this->start_workflow("a");
  Command command = this->schedule_activity("1");
  *this->activity_of(command).mutable_retry_policy()->mutable_initial_interval() = this->span(std::chrono::seconds(2));
  this->complete(this->next_task().task_token(), {command});
  auto activity = this->next_activity();
  ASSERT_TRUE(this->heartbeat(activity.task_token(), "half").ok());
  ASSERT_TRUE(this->fail_activity(activity.task_token()).ok());
  EXPECT_EQ(this->fail_activity(activity.task_token()).code(), StatusCode::kNotFound) << "each attempt has its own token";
  const Instant before = this->world_.executor().now();
  activity = this->next_activity();
  EXPECT_EQ(activity.attempt(), 2);
  EXPECT_EQ(activity.heartbeat_details().payloads(0).data(), "\"half\"");
  EXPECT_GT(this->world_.executor().now(), before + std::chrono::milliseconds(1900));
  ASSERT_TRUE(this->fail_activity(activity.task_token()).ok());
  activity = this->next_activity();
  EXPECT_EQ(activity.attempt(), 3);
  EXPECT_GT(this->world_.executor().now(), before + std::chrono::milliseconds(5900)) << "2 s, then 4 s";
  const auto pending = this->describe("a").pending_activities(0);
  EXPECT_EQ(pending.attempt(), 3);
  EXPECT_EQ(pending.last_failure().message(), "it broke");
  ASSERT_TRUE(this->complete_activity(activity.task_token()).ok());
  const auto events = this->history("a");
  EXPECT_EQ(this->names(events), this->words({kFirstTask, "ActivityTaskScheduled ActivityTaskStarted",
                                              "ActivityTaskCompleted WorkflowTaskScheduled"}));
  EXPECT_EQ(events[5].activity_task_started_event_attributes().attempt(), 3);
  EXPECT_EQ(events[5].activity_task_started_event_attributes().last_failure().message(), "it broke");
}

TYPED_TEST_P(TemporalContract, GivesUpAnActivityAsItsRetryPolicySays) {
  const auto last_state = [&](std::string_view id, Command command, bool non_retryable) {
    this->start_workflow(id);
    this->complete(this->next_task().task_token(), {command});
    EXPECT_TRUE(this->fail_activity(this->next_activity().task_token(), non_retryable).ok());
    const auto events = this->history(id);
    EXPECT_EQ(this->names(events), this->words({kFirstTask, "ActivityTaskScheduled ActivityTaskStarted",
                                                "ActivityTaskFailed WorkflowTaskScheduled"}));
    this->complete(this->next_task().task_token(), {this->complete_workflow()});
    return events[6].activity_task_failed_event_attributes().retry_state();
  };
  Command once = this->schedule_activity("1");
  this->activity_of(once).mutable_retry_policy()->set_maximum_attempts(1);
  EXPECT_EQ(last_state("once", once, false), enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  EXPECT_EQ(last_state("fatal", this->schedule_activity("1"), true), enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
  Command listed = this->schedule_activity("1");
  this->activity_of(listed).mutable_retry_policy()->add_non_retryable_error_types("Broken");
  EXPECT_EQ(last_state("listed", listed, false), enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
}

TYPED_TEST_P(TemporalContract, RetriesAnActivityWhenItAskedTo) {
  this->start_workflow("asked");
  this->complete(this->next_task().task_token(), {this->schedule_activity("1")});
  ASSERT_TRUE(this->fail_activity(this->next_activity().task_token(), false, std::chrono::seconds(20)).ok());
  EXPECT_EQ(this->next_activity(std::chrono::seconds(15)).task_token(), "");
  EXPECT_EQ(this->next_activity().attempt(), 2);
}

TYPED_TEST_P(TemporalContract, TimesActivitiesOut) {
  const auto time_out = [&](std::string_view id, Command command, bool started, Duration wait) {
    this->activity_of(command).mutable_retry_policy()->set_maximum_attempts(1);
    this->start_workflow(id);
    this->complete(this->next_task().task_token(), {command});
    if (started) EXPECT_NE(this->next_activity().task_token(), "");
    this->run_for(wait);
    const auto events = this->history(id);
    EXPECT_EQ(this->names(events), this->words({kFirstTask, "ActivityTaskScheduled",
                                                started ? "ActivityTaskStarted ActivityTaskTimedOut" : "ActivityTaskTimedOut",
                                                "WorkflowTaskScheduled"}));
    this->complete(this->next_task().task_token(), {this->complete_workflow()});
    return events[started ? 6 : 5].activity_task_timed_out_event_attributes();
  };
  const auto second = std::chrono::seconds(1);
  auto out = time_out("stc", this->schedule_activity("1", 3 * second), true, 4 * second);
  EXPECT_EQ(out.failure().timeout_failure_info().timeout_type(), enums::TIMEOUT_TYPE_START_TO_CLOSE);
  EXPECT_EQ(out.failure().message(), "activity StartToClose timeout");
  EXPECT_EQ(out.retry_state(), enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  EXPECT_EQ(out.started_event_id(), 6);

  Command command = this->schedule_activity("1");
  *this->activity_of(command).mutable_schedule_to_start_timeout() = this->span(2 * second);
  out = time_out("sts", command, false, 3 * second);
  EXPECT_EQ(out.failure().timeout_failure_info().timeout_type(), enums::TIMEOUT_TYPE_SCHEDULE_TO_START);
  EXPECT_EQ(out.retry_state(), TypeParam::kRetryStateOfScheduleToStart);

  command = this->schedule_activity("1", Duration::zero());
  *this->activity_of(command).mutable_schedule_to_close_timeout() = this->span(2 * second);
  out = time_out("tie", command, false, 3 * second);
  EXPECT_EQ(out.failure().timeout_failure_info().timeout_type(), enums::TIMEOUT_TYPE_SCHEDULE_TO_START)
      << "of two timeouts at one instant, schedule-to-start comes first";

  command = this->schedule_activity("1", 20 * second);
  *this->activity_of(command).mutable_heartbeat_timeout() = this->span(2 * second);
  out = time_out("beat", command, true, 3 * second);
  EXPECT_EQ(out.failure().timeout_failure_info().timeout_type(), enums::TIMEOUT_TYPE_HEARTBEAT);
}

TYPED_TEST_P(TemporalContract, KeepsAnActivityAliveWithHeartbeats) {
  this->start_workflow("alive");
  Command command = this->schedule_activity("1", std::chrono::seconds(30));
  *this->activity_of(command).mutable_heartbeat_timeout() = this->span(std::chrono::seconds(3));
  this->complete(this->next_task().task_token(), {command});
  const auto activity = this->next_activity();
  for (int i = 0; i < 5; ++i) {
    this->run_for(std::chrono::seconds(2));
    const auto cancel = this->heartbeat(activity.task_token(), concat(i));
    ASSERT_TRUE(cancel.ok()) << cancel.status();
    EXPECT_FALSE(*cancel);
  }
  this->run_for(std::chrono::seconds(4));
  EXPECT_EQ(this->heartbeat(activity.task_token(), "late").status().code(), StatusCode::kNotFound);
  const auto again = this->next_activity();
  EXPECT_EQ(again.attempt(), 2);
  EXPECT_EQ(again.heartbeat_details().payloads(0).data(), "\"4\"");
}

TYPED_TEST_P(TemporalContract, CancelsARunningActivityThroughItsHeartbeat) {
  this->start_workflow("c");
  this->complete(this->next_task().task_token(), {this->schedule_activity("1", std::chrono::minutes(5))});
  const auto activity = this->next_activity();
  wf::RespondActivityTaskCanceledRequest canceled;
  canceled.set_namespace_("default");
  canceled.set_task_token(activity.task_token());
  EXPECT_EQ(this->get(this->temporal().respond_activity_task_canceled(canceled, this->in(this->kLong))).status().code(),
            StatusCode::kInvalidArgument)
      << "no cancel was requested";
  ASSERT_TRUE(this->signal("c", "cancel it").ok());
  this->complete(this->next_task().task_token(), {this->cancel_activity(5)});
  const auto requested = this->heartbeat(activity.task_token(), "x");
  ASSERT_TRUE(requested.ok());
  EXPECT_TRUE(*requested);
  ASSERT_TRUE(this->get(this->temporal().respond_activity_task_canceled(canceled, this->in(this->kLong))).ok());
  const auto events = this->history("c");
  EXPECT_EQ(this->names(events),
            this->words({kFirstTask, "ActivityTaskScheduled WorkflowExecutionSignaled", kTask,
                         "ActivityTaskCancelRequested ActivityTaskStarted ActivityTaskCanceled WorkflowTaskScheduled"}));
  EXPECT_EQ(events[11].activity_task_canceled_event_attributes().latest_cancel_requested_event_id(), 10);
}

TYPED_TEST_P(TemporalContract, CancelsAWaitingActivityAtOnce) {
  this->start_workflow("w");
  this->complete(this->next_task().task_token(), {this->schedule_activity("1")});
  ASSERT_TRUE(this->signal("w", "cancel it").ok());
  this->complete(this->next_task().task_token(), {this->cancel_activity(5), this->start_timer("t", std::chrono::hours(1))});
  EXPECT_EQ(this->events_of("w"),
            this->words({kFirstTask, "ActivityTaskScheduled WorkflowExecutionSignaled", kTask,
                         "ActivityTaskCancelRequested TimerStarted ActivityTaskCanceled WorkflowTaskScheduled"}));
  EXPECT_EQ(this->next_activity(std::chrono::seconds(3)).task_token(), "");  // a real server takes no poll of less than two
}

TYPED_TEST_P(TemporalContract, RefusesTwoOpenActivitiesOfOneId) {
  this->start_workflow("twice");
  const auto refused = this->get(this->temporal().respond_workflow_task_completed(
      this->completion(this->next_task().task_token(), {this->schedule_activity("1"), this->schedule_activity("1")}),
      this->in(this->kLong)));
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(this->history("twice").back().workflow_task_failed_event_attributes().cause(),
            enums::WORKFLOW_TASK_FAILED_CAUSE_SCHEDULE_ACTIVITY_DUPLICATE_ID);
}

TYPED_TEST_P(TemporalContract, RefusesAnActivityWithoutATimeout) {
  this->start_workflow("endless");
  const auto refused = this->get(this->temporal().respond_workflow_task_completed(
      this->completion(this->next_task().task_token(), {this->schedule_activity("1", Duration::zero())}),
      this->in(this->kLong)));
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  const auto failed = this->history("endless").back().workflow_task_failed_event_attributes();
  EXPECT_EQ(failed.cause(), enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES);
  EXPECT_EQ(failed.failure().message(),
            "BadScheduleActivityAttributes: A valid StartToClose or ScheduleToCloseTimeout is not set on "
            "ScheduleActivityTaskCommand. ActivityId=1 ActivityType=work");
  EXPECT_TRUE(failed.failure().has_server_failure_info());
  EXPECT_FALSE(failed.failure().server_failure_info().non_retryable());
}

TYPED_TEST_P(TemporalContract, PutsTheEndsOfActivitiesBehindWhatElseWasBuffered) {
  this->start_workflow("order");
  this->complete(this->next_task().task_token(), {this->schedule_activity("1")});
  const auto activity = this->next_activity();
  ASSERT_TRUE(this->signal("order", "one").ok());
  const auto task = this->next_task();
  ASSERT_TRUE(this->complete_activity(activity.task_token()).ok());
  ASSERT_TRUE(this->signal("order", "two").ok());
  this->complete(task.task_token());
  const auto events = this->history("order");
  EXPECT_EQ(this->names(events),
            this->words({kFirstTask, "ActivityTaskScheduled WorkflowExecutionSignaled", kTask,
                         "ActivityTaskStarted WorkflowExecutionSignaled ActivityTaskCompleted WorkflowTaskScheduled"}));
  EXPECT_EQ(events[11].activity_task_completed_event_attributes().started_event_id(), 10);
}

TYPED_TEST_P(TemporalContract, FiresTimersInTheirOrder) {
  this->start_workflow("timers");
  this->complete(this->next_task().task_token(),
                 {this->start_timer("slow", std::chrono::seconds(5)), this->start_timer("b", std::chrono::seconds(2)),
                  this->start_timer("c", std::chrono::seconds(2)), this->start_timer("never", std::chrono::seconds(3))});
  this->complete(this->next_task().task_token(), {this->cancel_timer("never")});
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  const auto events = this->history("timers");
  EXPECT_EQ(this->names(events),
            this->words({kFirstTask, "TimerStarted TimerStarted TimerStarted TimerStarted TimerFired TimerFired", kTask,
                         "TimerCanceled TimerFired", kTask, "WorkflowExecutionCompleted"}));
  EXPECT_EQ(events[8].timer_fired_event_attributes().timer_id(), "b");
  EXPECT_EQ(events[9].timer_fired_event_attributes().timer_id(), "c");
  EXPECT_EQ(events[9].timer_fired_event_attributes().started_event_id(), 7);
  EXPECT_EQ(events[14].timer_fired_event_attributes().timer_id(), "slow");
}

TYPED_TEST_P(TemporalContract, TakesBackATimerThatFiredUnseen) {
  this->start_workflow("unseen");
  this->complete(this->next_task().task_token(), {this->start_timer("t", std::chrono::seconds(2))});
  ASSERT_TRUE(this->signal("unseen", "now").ok());
  const auto task = this->next_task();
  this->run_for(std::chrono::seconds(3));
  this->complete(task.task_token(), {this->cancel_timer("t"), this->complete_workflow()});
  EXPECT_EQ(this->events_of("unseen"), this->words({kFirstTask, "TimerStarted WorkflowExecutionSignaled", kTask,
                                                    "TimerCanceled WorkflowExecutionCompleted"}));
}

TYPED_TEST_P(TemporalContract, SaysWhyAnActivityThatNobodyTookIsCanceled) {
  this->start_workflow("untaken");
  this->complete(this->next_task().task_token(), {this->schedule_activity("1")});
  ASSERT_TRUE(this->signal("untaken", "cancel it").ok());
  this->complete(this->next_task().task_token(), {this->cancel_activity(5)});
  const auto events = this->history("untaken");
  ASSERT_EQ(this->names(events), this->words({kFirstTask, "ActivityTaskScheduled WorkflowExecutionSignaled", kTask,
                                              "ActivityTaskCancelRequested ActivityTaskCanceled WorkflowTaskScheduled"}));
  const auto& canceled = events[10].activity_task_canceled_event_attributes();
  ASSERT_EQ(canceled.details().payloads_size(), 1);
  EXPECT_EQ(canceled.details().payloads(0).data(), "\"ACTIVITY_ID_NOT_STARTED\"");
}

TYPED_TEST_P(TemporalContract, CancelsAnActivityTwiceInOneTask) {
  this->start_workflow("doubly");
  this->complete(this->next_task().task_token(), {this->schedule_activity("1")});
  ASSERT_TRUE(this->signal("doubly", "cancel it").ok());
  this->complete(this->next_task().task_token(), {this->cancel_activity(5), this->cancel_activity(5)});
  EXPECT_EQ(
      this->events_of("doubly"),
      this->words({kFirstTask, "ActivityTaskScheduled WorkflowExecutionSignaled", kTask,
                   "ActivityTaskCancelRequested ActivityTaskCancelRequested ActivityTaskCanceled", "WorkflowTaskScheduled"}));
}

}  // namespace reliant::tests

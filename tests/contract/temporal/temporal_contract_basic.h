// The contract of ports::Temporal, part 1: starting, workflow tasks, signals, closing. See temporal_contract.h.
#pragma once

#include "contract/temporal/temporal_contract.h"

namespace reliant::tests {

TYPED_TEST_P(TemporalContract, RunsHelloWithTheEventsOfARealServer) {
  const std::string run_id = this->start_workflow("hello");
  auto task = this->next_task();
  EXPECT_EQ(task.workflow_execution().run_id(), run_id);
  EXPECT_EQ(task.workflow_type().name(), "Hello");
  EXPECT_EQ(task.previous_started_event_id(), 0);
  EXPECT_EQ(task.started_event_id(), 3);
  EXPECT_EQ(task.attempt(), 1);
  EXPECT_EQ(task.workflow_execution_task_queue().name(), this->kQueue);
  EXPECT_EQ(this->names(task.history().events()), "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted");
  const auto& started = task.history().events(0).workflow_execution_started_event_attributes();
  EXPECT_EQ(started.first_execution_run_id(), run_id);
  EXPECT_EQ(started.original_execution_run_id(), run_id);
  EXPECT_EQ(started.workflow_task_timeout().seconds(), 10);
  EXPECT_EQ(started.attempt(), 1);
  EXPECT_FALSE(started.has_root_workflow_execution()) << "it is its own";
  EXPECT_EQ(started.input().payloads(0).data(), "\"input\"");

  this->complete(task.task_token(), {this->schedule_activity("1")});
  const auto activity = this->next_activity();
  EXPECT_EQ(activity.activity_id(), "1");
  EXPECT_EQ(activity.activity_type().name(), "work");
  EXPECT_EQ(activity.attempt(), 1);
  EXPECT_EQ(activity.input().payloads(0).data(), "\"activity input\"");
  EXPECT_EQ(activity.workflow_execution().run_id(), run_id);
  ASSERT_TRUE(this->complete_activity(activity.task_token()).ok());

  task = this->next_task();
  EXPECT_EQ(task.previous_started_event_id(), 3);
  EXPECT_EQ(task.started_event_id(), 9);
  this->complete(task.task_token(), {this->complete_workflow()});
  const auto events = this->history("hello");
  EXPECT_EQ(this->names(events), this->words({kFirstTask, "ActivityTaskScheduled ActivityTaskStarted", "ActivityTaskCompleted",
                                              kTask, "WorkflowExecutionCompleted"}));
  const auto& scheduled = events[4].activity_task_scheduled_event_attributes();
  EXPECT_EQ(scheduled.workflow_task_completed_event_id(), 4);
  EXPECT_EQ(scheduled.retry_policy().initial_interval().seconds(), 1);
  EXPECT_EQ(scheduled.retry_policy().maximum_interval().seconds(), 100);
  EXPECT_TRUE(scheduled.has_schedule_to_close_timeout());
  EXPECT_EQ(events[6].activity_task_completed_event_attributes().scheduled_event_id(), 5);
  EXPECT_EQ(events[6].activity_task_completed_event_attributes().started_event_id(), 6);
  EXPECT_EQ(events[9].workflow_task_completed_event_attributes().started_event_id(), 9);
  EXPECT_EQ(this->describe("hello").workflow_execution_info().status(), enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
}

TYPED_TEST_P(TemporalContract, GivesATaskThatWaitsAndATaskThatIsWaitedFor) {
  auto waiting = this->start(this->poll_task());
  this->run_for(std::chrono::seconds(1));
  EXPECT_FALSE(waiting->ended());
  this->start_workflow("later");
  const auto task = this->await(*waiting);
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->workflow_execution().workflow_id(), "later");
}

TYPED_TEST_P(TemporalContract, AnswersALongPollWithNothingBeforeTheDeadline) {
  const Instant deadline = this->in(std::chrono::seconds(5));
  const auto task = this->next_task(false, std::chrono::seconds(5));
  EXPECT_EQ(task.ByteSizeLong(), 0u);
  EXPECT_LT(this->world_.executor().now(), deadline);
  EXPECT_GT(this->world_.executor().now(), deadline - std::chrono::seconds(2));
  EXPECT_EQ(this->next_activity(std::chrono::seconds(5)).ByteSizeLong(), 0u);
}

TYPED_TEST_P(TemporalContract, KnowsItsNamespaces) {
  auto request = this->start_request("x");
  request.set_namespace_("nowhere");
  const auto started = this->get(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  EXPECT_EQ(started.status().code(), StatusCode::kNotFound);
  wf::DescribeNamespaceRequest describe;
  describe.set_namespace_("default");
  const auto found = this->must(this->temporal().describe_namespace(describe, this->in(this->kLong)));
  EXPECT_EQ(found.namespace_info().name(), "default");
  describe.set_namespace_("nowhere");
  EXPECT_EQ(this->get(this->temporal().describe_namespace(describe, this->in(this->kLong))).status().code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(this->must(this->temporal().get_system_info({}, this->in(this->kLong))).capabilities().sdk_metadata());
}

TYPED_TEST_P(TemporalContract, StartsAWorkflowIdOnce) {
  const std::string run_id = this->start_workflow("once");
  const auto again = this->must(this->temporal().start_workflow_execution(this->start_request("once"), this->in(this->kLong)));
  EXPECT_EQ(again.run_id(), run_id) << "the same request id is the same start";
  auto other = this->start_request("once");
  other.set_request_id("another");
  const auto refused = this->get(this->temporal().start_workflow_execution(other, this->in(this->kLong)));
  EXPECT_EQ(refused.status().code(), StatusCode::kAlreadyExists);
  other.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING);
  const auto used = this->must(this->temporal().start_workflow_execution(other, this->in(this->kLong)));
  EXPECT_EQ(used.run_id(), run_id);
  EXPECT_FALSE(used.started());
  other.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING);
  const auto fresh = this->must(this->temporal().start_workflow_execution(other, this->in(this->kLong)));
  EXPECT_NE(fresh.run_id(), run_id);
  const auto old = this->history("once", run_id);
  EXPECT_EQ(old.back().event_type(), enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
}

TYPED_TEST_P(TemporalContract, ReusesTheIdOfAClosedWorkflowAsThePolicySays) {
  this->start_workflow("reuse");
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  auto request = this->start_request("reuse");
  request.set_request_id("second");
  const auto start = [&](auto policy) {
    request.set_workflow_id_reuse_policy(policy);
    return this->get(this->temporal().start_workflow_execution(request, this->in(this->kLong))).status().code();
  };
  EXPECT_EQ(start(enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE), StatusCode::kAlreadyExists);
  EXPECT_EQ(start(enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY), StatusCode::kAlreadyExists);
  EXPECT_EQ(start(enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE), StatusCode::kOk);
  ASSERT_TRUE(this->terminate("reuse").ok());
  request.set_request_id("third");
  EXPECT_EQ(start(enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY), StatusCode::kOk);
}

TYPED_TEST_P(TemporalContract, SignalsBeforeAndDuringAndAfterATask) {
  this->start_workflow("signals");
  ASSERT_TRUE(this->signal("signals", "one").ok());
  auto task = this->next_task();
  EXPECT_EQ(this->names(task.history().events()),
            "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowExecutionSignaled WorkflowTaskStarted");
  ASSERT_TRUE(this->signal("signals", "two").ok());
  ASSERT_TRUE(this->signal("signals", "two").ok()) << "the same request id";
  this->complete(task.task_token());
  task = this->next_task();
  EXPECT_EQ(task.history().events_size(), 8);
  this->complete(task.task_token());
  ASSERT_TRUE(this->signal("signals", "three").ok());
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  EXPECT_EQ(this->events_of("signals"),
            this->words({"WorkflowExecutionStarted WorkflowTaskScheduled WorkflowExecutionSignaled WorkflowTaskStarted",
                         "WorkflowTaskCompleted WorkflowExecutionSignaled", kTask, "WorkflowExecutionSignaled", kTask,
                         "WorkflowExecutionCompleted"}));
  EXPECT_EQ(this->signal("signals", "four").code(), StatusCode::kNotFound);
  EXPECT_TRUE(this->signal("signals", "three").ok()) << "it was taken before: repeating it says so";
  EXPECT_EQ(this->signal("absent", "one").code(), StatusCode::kNotFound);
}

TYPED_TEST_P(TemporalContract, SignalsWithStartOnce) {
  const auto call = [&](std::string_view request_id) {
    return this->must(this->temporal().signal_with_start_workflow_execution(this->signal_with_start_request("chat", request_id),
                                                                            this->in(this->kLong)));
  };
  const auto first = call("m1");
  EXPECT_TRUE(first.started());
  EXPECT_EQ(call("m1").run_id(), first.run_id());
  const auto second = call("m2");
  EXPECT_EQ(second.run_id(), first.run_id());
  EXPECT_FALSE(second.started());
  EXPECT_EQ(this->events_of("chat"),
            "WorkflowExecutionStarted WorkflowExecutionSignaled WorkflowTaskScheduled "
            "WorkflowExecutionSignaled");
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  if (TypeParam::kRemembersRequestsOfClosedRuns) {
    EXPECT_EQ(call("m2").run_id(), first.run_id()) << "a repeated message must not start the workflow again";
  }
  const auto third = call("m3");
  EXPECT_TRUE(third.started());
  EXPECT_NE(third.run_id(), first.run_id());
}

// What the reconciler of the api stands on (api/reconciler.h).
TYPED_TEST_P(TemporalContract, SaysWhetherARunGoesOnAndStartsAnotherForItsMessage) {
  wf::DescribeWorkflowExecutionRequest unknown;
  unknown.set_namespace_("default");
  unknown.mutable_execution()->set_workflow_id("chat");
  EXPECT_EQ(this->get(this->temporal().describe_workflow_execution(unknown, this->in(this->kLong))).status().code(),
            StatusCode::kNotFound);
  const auto tell = [&](std::string_view request_id) {
    return this->must(this->temporal().signal_with_start_workflow_execution(this->signal_with_start_request("chat", request_id),
                                                                            this->in(this->kLong)));
  };
  const auto status = [&] { return this->describe("chat").workflow_execution_info().status(); };
  const auto lost = tell("m1");
  EXPECT_EQ(status(), enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
  ASSERT_TRUE(this->terminate("chat").ok());
  EXPECT_EQ(status(), enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
  const auto again = tell("m1-again-1");
  EXPECT_TRUE(again.started());
  EXPECT_NE(again.run_id(), lost.run_id());
  EXPECT_EQ(status(), enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  EXPECT_EQ(status(), enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
}

TYPED_TEST_P(TemporalContract, RefusesToEndWhatHasUnseenEvents) {
  this->start_workflow("unhandled");
  const auto task = this->next_task();
  ASSERT_TRUE(this->signal("unhandled", "late").ok());
  const auto refused = this->get(this->temporal().respond_workflow_task_completed(
      this->completion(task.task_token(), {this->complete_workflow()}), this->in(this->kLong)));
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(message_of(refused.status()), "UnhandledCommand");
  const auto events = this->history("unhandled");
  EXPECT_EQ(this->names(events),
            "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskFailed "
            "WorkflowExecutionSignaled WorkflowTaskScheduled");
  EXPECT_EQ(events[3].workflow_task_failed_event_attributes().cause(), enums::WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND);
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
}

TYPED_TEST_P(TemporalContract, FailsATaskWithACommandThatItDoesNotSupport) {
  this->start_workflow("nexus");
  Command nexus;
  nexus.set_command_type(enums::COMMAND_TYPE_SCHEDULE_NEXUS_OPERATION);
  nexus.mutable_schedule_nexus_operation_command_attributes()->set_endpoint("nowhere");
  auto task = this->next_task();
  const auto refused = this->get(this->temporal().respond_workflow_task_completed(
      this->completion(task.task_token(), {this->start_timer("t", std::chrono::hours(1)), nexus}), this->in(this->kLong)));
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(message_of(refused.status()).find(TypeParam::kWordOfNexus), std::string_view::npos) << refused.status();
  EXPECT_EQ(this->events_of("nexus"), "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskFailed");
  task = this->next_task();
  EXPECT_EQ(task.attempt(), 2);
}

TYPED_TEST_P(TemporalContract, KeepsTransientTasksOutOfTheHistory) {
  this->start_workflow("transient");
  ASSERT_TRUE(this->fail_task(this->next_task().task_token()).ok());
  auto task = this->next_task();
  EXPECT_EQ(task.attempt(), 2);
  EXPECT_EQ(task.started_event_id(), 6);
  EXPECT_EQ(this->names(task.history().events()),
            "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskFailed "
            "WorkflowTaskScheduled WorkflowTaskStarted");
  EXPECT_EQ(this->history("transient").size(), 4u);
  ASSERT_TRUE(this->fail_task(task.task_token()).ok());
  task = this->next_task();
  EXPECT_EQ(task.attempt(), 3);
  EXPECT_EQ(this->history("transient").size(), 4u);
  this->complete(task.task_token());
  EXPECT_EQ(this->events_of("transient"),
            this->words({"WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskFailed", kTask}));
}

TYPED_TEST_P(TemporalContract, MakesATransientTaskANormalOneWhenEventsCame) {
  this->start_workflow("heal");
  ASSERT_TRUE(this->fail_task(this->next_task().task_token()).ok());
  ASSERT_TRUE(this->signal("heal", "news").ok());
  const auto task = this->next_task();
  EXPECT_EQ(task.attempt(), 1);
  EXPECT_EQ(this->names(task.history().events()),
            "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskFailed "
            "WorkflowExecutionSignaled WorkflowTaskScheduled WorkflowTaskStarted");
}

TYPED_TEST_P(TemporalContract, TimesOutAWorkflowTask) {
  this->start_workflow("slow");
  const auto task = this->next_task();
  this->run_for(std::chrono::seconds(11));
  EXPECT_EQ(this->events_of("slow"), "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskTimedOut");
  const auto late = this->get(
      this->temporal().respond_workflow_task_completed(this->completion(task.task_token(), {}), this->in(this->kLong)));
  EXPECT_EQ(late.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(this->next_task().attempt(), 2);
}

TYPED_TEST_P(TemporalContract, ContinuesAsNew) {
  const std::string first = this->start_workflow("chain");
  this->complete(this->next_task().task_token(), {this->continue_as_new()});
  const auto task = this->next_task();
  EXPECT_EQ(task.workflow_execution().workflow_id(), "chain");
  EXPECT_NE(task.workflow_execution().run_id(), first);
  const auto& started = task.history().events(0).workflow_execution_started_event_attributes();
  EXPECT_EQ(started.first_execution_run_id(), first);
  EXPECT_EQ(started.continued_execution_run_id(), first);
  EXPECT_EQ(started.input().payloads(0).data(), "\"again\"");
  EXPECT_EQ(started.initiator(), enums::CONTINUE_AS_NEW_INITIATOR_WORKFLOW);
  const auto old = this->history("chain", first);
  EXPECT_EQ(old.back().workflow_execution_continued_as_new_event_attributes().new_execution_run_id(),
            task.workflow_execution().run_id());
  this->complete(task.task_token(), {this->complete_workflow()});
  EXPECT_EQ(this->describe("chain").workflow_execution_info().first_run_id(), first);
}

TYPED_TEST_P(TemporalContract, RetriesAFailedWorkflowAsANewRun) {
  auto request = this->start_request("retry");
  request.mutable_retry_policy()->set_maximum_attempts(2);
  *request.mutable_retry_policy()->mutable_initial_interval() = this->span(std::chrono::seconds(3));
  const auto first = this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong))).run_id();
  this->complete(this->next_task().task_token(), {this->fail_workflow()});
  const auto closed = this->history("retry", first).back().workflow_execution_failed_event_attributes();
  EXPECT_EQ(closed.retry_state(), enums::RETRY_STATE_IN_PROGRESS);
  EXPECT_EQ(this->events_of("retry"), "WorkflowExecutionStarted");
  const auto task = this->next_task();
  EXPECT_EQ(task.workflow_execution().run_id(), closed.new_execution_run_id());
  EXPECT_EQ(task.history().events(0).workflow_execution_started_event_attributes().attempt(), 2);
  this->complete(task.task_token(), {this->fail_workflow()});
  EXPECT_EQ(this->history("retry").back().workflow_execution_failed_event_attributes().retry_state(),
            enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
}

TYPED_TEST_P(TemporalContract, TerminatesAtOnce) {
  this->start_workflow("stop");
  const auto task = this->next_task();
  ASSERT_TRUE(this->signal("stop", "unseen").ok());
  ASSERT_TRUE(this->terminate("stop").ok());
  EXPECT_EQ(this->events_of("stop"),
            "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskFailed "
            "WorkflowExecutionSignaled WorkflowExecutionTerminated");
  EXPECT_EQ(this->terminate("stop").code(), StatusCode::kNotFound);
  const auto late = this->get(
      this->temporal().respond_workflow_task_completed(this->completion(task.task_token(), {}), this->in(this->kLong)));
  EXPECT_EQ(late.status().code(), StatusCode::kNotFound);
}

TYPED_TEST_P(TemporalContract, RequestsCancellationOnce) {
  this->start_workflow("cancel");
  this->complete(this->next_task().task_token());
  ASSERT_TRUE(this->request_cancel("cancel").ok());
  ASSERT_TRUE(this->request_cancel("cancel").ok());
  const auto task = this->next_task();
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION);
  command.mutable_cancel_workflow_execution_command_attributes();
  this->complete(task.task_token(), {command});
  EXPECT_EQ(this->events_of("cancel"),
            this->words({kFirstTask, "WorkflowExecutionCancelRequested", kTask, "WorkflowExecutionCanceled"}));
  EXPECT_TRUE(this->request_cancel("cancel").ok()) << "also when it is closed";
}

TYPED_TEST_P(TemporalContract, TimesOutARun) {
  auto request = this->start_request("limit");
  *request.mutable_workflow_run_timeout() = this->span(std::chrono::seconds(30));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  this->complete(this->next_task().task_token());
  this->run_for(std::chrono::seconds(31));
  EXPECT_EQ(this->events_of("limit"), this->words({kFirstTask, "WorkflowExecutionTimedOut"}));
  EXPECT_EQ(this->describe("limit").workflow_execution_info().status(), enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT);
}

// A signal waits for the delay as well, unless the call that brings it could have started the workflow.
TYPED_TEST_P(TemporalContract, DelaysTheStartUntilItsTime) {
  auto request = this->start_request("delayed");
  *request.mutable_workflow_start_delay() = this->span(std::chrono::seconds(12));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  EXPECT_EQ(this->next_task(false, std::chrono::seconds(5)).task_token(), "");
  ASSERT_TRUE(this->signal("delayed", "not yet").ok());
  EXPECT_EQ(this->next_task(false, std::chrono::seconds(4)).task_token(), "");
  EXPECT_NE(this->next_task(false, std::chrono::seconds(20)).task_token(), "");
}

TYPED_TEST_P(TemporalContract, EndsTheDelayWhenASignalCouldHaveStartedIt) {
  auto request = this->start_request("hurried");
  *request.mutable_workflow_start_delay() = this->span(std::chrono::seconds(12));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  this->must(this->temporal().signal_with_start_workflow_execution(this->signal_with_start_request("hurried", "m1"),
                                                                   this->in(this->kLong)));
  EXPECT_NE(this->next_task(false, std::chrono::seconds(4)).task_token(), "");
  auto starting = this->signal_with_start_request("starting", "m1");
  *starting.mutable_workflow_start_delay() = this->span(std::chrono::seconds(6));
  this->must(this->temporal().signal_with_start_workflow_execution(starting, this->in(this->kLong)));
  EXPECT_EQ(this->next_task(false, std::chrono::seconds(4)).task_token(), "") << "the one that starts it waits";
  EXPECT_NE(this->next_task(false, std::chrono::seconds(10)).task_token(), "");
}

TYPED_TEST_P(TemporalContract, RefusesPoliciesThatContradictEachOther) {
  const auto start = [&](auto reuse, auto conflict) {
    auto request = this->start_request("contradiction");
    request.set_workflow_id_reuse_policy(reuse);
    request.set_workflow_id_conflict_policy(conflict);
    return this->get(this->temporal().start_workflow_execution(request, this->in(this->kLong))).status().code();
  };
  EXPECT_EQ(start(enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING),
            StatusCode::kInvalidArgument);
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"  // older clients still send it
  const auto old = enums::WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING;
#pragma clang diagnostic pop
  EXPECT_EQ(start(old, enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL), StatusCode::kInvalidArgument);
  EXPECT_EQ(start(old, enums::WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED), StatusCode::kOk);
  auto signalling = this->signal_with_start_request("contradiction", "m1");
  signalling.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL);
  EXPECT_EQ(this->get(this->temporal().signal_with_start_workflow_execution(signalling, this->in(this->kLong))).status().code(),
            StatusCode::kInvalidArgument);
}

TYPED_TEST_P(TemporalContract, SaysByWhomARunIsReplaced) {
  const std::string old = this->start_workflow("replaced");
  auto request = this->start_request("replaced");
  request.set_request_id("another");
  request.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING);
  const auto fresh = this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong))).run_id();
  const auto terminated = this->history("replaced", old).back().workflow_execution_terminated_event_attributes();
  EXPECT_EQ(terminated.reason(), "TerminateIfRunning WorkflowIdReusePolicy");
  ASSERT_EQ(terminated.details().payloads_size(), 1);
  EXPECT_EQ(terminated.details().payloads(0).data(), concat("\"terminated by new runID: ", fresh, "\""));
  EXPECT_EQ(terminated.identity(), "history-service");
}

TYPED_TEST_P(TemporalContract, InheritsTypeQueueAndTimeoutsOfTheRunThatContinues) {
  auto request = this->start_request("heir");
  *request.mutable_workflow_run_timeout() = this->span(std::chrono::hours(1));
  *request.mutable_workflow_task_timeout() = this->span(std::chrono::seconds(30));
  request.mutable_retry_policy()->set_maximum_attempts(2);
  (*request.mutable_memo()->mutable_fields())["note"] = this->text("memo").payloads(0);
  (*request.mutable_header()->mutable_fields())["trace"] = this->text("header").payloads(0);
  const auto first = this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong))).run_id();
  this->complete(this->next_task().task_token(), {this->continue_as_new()});
  const auto started = this->next_task().history().events(0).workflow_execution_started_event_attributes();
  EXPECT_EQ(started.workflow_type().name(), "Hello");
  EXPECT_EQ(started.task_queue().name(), this->kQueue);
  EXPECT_EQ(started.workflow_run_timeout().seconds(), 3600);
  EXPECT_EQ(started.workflow_task_timeout().seconds(), 30);
  EXPECT_FALSE(started.has_retry_policy()) << "the rest is what the command says";
  EXPECT_EQ(started.memo().fields_size(), 0);
  EXPECT_EQ(started.header().fields_size(), 0);
  EXPECT_EQ(started.identity(), "") << "no client starts it";
  EXPECT_EQ(this->history("heir", first).back().workflow_execution_continued_as_new_event_attributes().initiator(),
            enums::CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED);
}

TYPED_TEST_P(TemporalContract, MakesARunThatGoesOnItsOwnRoot) {
  const std::string first = this->start_workflow("root");
  EXPECT_EQ(this->describe("root").workflow_execution_info().root_execution().run_id(), first);
  this->complete(this->next_task().task_token(), {this->continue_as_new()});
  const auto task = this->next_task();
  const auto root = this->describe("root").workflow_execution_info().root_execution();
  EXPECT_EQ(root.workflow_id(), "root");
  EXPECT_EQ(root.run_id(), task.workflow_execution().run_id());
  EXPECT_FALSE(task.history().events(0).workflow_execution_started_event_attributes().has_root_workflow_execution());
}

TYPED_TEST_P(TemporalContract, NamesNoClientInARunThatIsRetried) {
  auto request = this->start_request("retried");
  request.mutable_retry_policy()->set_maximum_attempts(2);
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  auto task = this->next_task();
  EXPECT_EQ(task.history().events(0).workflow_execution_started_event_attributes().identity(), "client");
  this->complete(task.task_token(), {this->fail_workflow()});
  task = this->next_task();
  const auto& started = task.history().events(0).workflow_execution_started_event_attributes();
  EXPECT_EQ(started.attempt(), 2);
  EXPECT_EQ(started.identity(), "");
}

TYPED_TEST_P(TemporalContract, EndsTheWaitForARetryWhenASignalCouldHaveStartedIt) {
  auto request = this->start_request("waiting");
  request.mutable_retry_policy()->set_maximum_attempts(2);
  *request.mutable_retry_policy()->mutable_initial_interval() = this->span(std::chrono::hours(1));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  this->complete(this->next_task().task_token(), {this->fail_workflow()});
  ASSERT_TRUE(this->signal("waiting", "not yet").ok());
  EXPECT_EQ(this->events_of("waiting"), "WorkflowExecutionStarted WorkflowExecutionSignaled");
  this->must(this->temporal().signal_with_start_workflow_execution(this->signal_with_start_request("waiting", "m1"),
                                                                   this->in(this->kLong)));
  const auto task = this->next_task(false, std::chrono::seconds(10));
  ASSERT_GT(task.history().events_size(), 0);
  EXPECT_EQ(task.history().events(0).workflow_execution_started_event_attributes().attempt(), 2);
}

TYPED_TEST_P(TemporalContract, EndsTheDelayWhenItIsToBeCancelled) {
  auto request = this->start_request("unwanted");
  *request.mutable_workflow_start_delay() = this->span(std::chrono::hours(1));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  ASSERT_TRUE(this->request_cancel("unwanted").ok());
  EXPECT_EQ(this->names(this->next_task(false, std::chrono::seconds(10)).history().events()),
            "WorkflowExecutionStarted WorkflowExecutionCancelRequested WorkflowTaskScheduled WorkflowTaskStarted");
}

TYPED_TEST_P(TemporalContract, TimesOutATaskThatIsTriedAgainWithoutATrace) {
  auto request = this->start_request("stuck");
  *request.mutable_workflow_task_timeout() = this->span(std::chrono::seconds(2));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  EXPECT_EQ(this->next_task().attempt(), 1);
  EXPECT_EQ(this->next_task().attempt(), 2);
  const auto task = this->next_task();
  EXPECT_EQ(task.attempt(), 3);
  this->complete(task.task_token());
  EXPECT_EQ(this->events_of("stuck"),
            this->words({"WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskTimedOut", kTask}));
}

TYPED_TEST_P(TemporalContract, PutsWhatCameBehindTheTimeoutOfATask) {
  auto request = this->start_request("hung");
  *request.mutable_workflow_task_timeout() = this->span(std::chrono::seconds(2));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  const auto hung = this->next_task();
  ASSERT_TRUE(this->signal("hung", "news").ok());
  const auto task = this->next_task();
  EXPECT_EQ(task.attempt(), 1) << "what is new may be what heals it";
  this->complete(task.task_token());
  const auto events = this->history("hung");
  EXPECT_EQ(this->names(events), this->words({"WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted",
                                              "WorkflowTaskTimedOut WorkflowExecutionSignaled", kTask}));
  EXPECT_EQ(events[3].workflow_task_timed_out_event_attributes().timeout_type(), enums::TIMEOUT_TYPE_START_TO_CLOSE);
  EXPECT_EQ(events[3].workflow_task_timed_out_event_attributes().started_event_id(), hung.started_event_id());
}

}  // namespace reliant::tests

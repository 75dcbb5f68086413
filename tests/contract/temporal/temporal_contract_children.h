// The contract of ports::Temporal, part 4: what workflows do to each other. See temporal_contract.h.
#pragma once

#include <algorithm>

#include "contract/temporal/temporal_contract.h"

namespace reliant::tests {

inline api::command::v1::Command start_child(std::string_view id, enums::ParentClosePolicy policy = {}) {
  api::command::v1::Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION);
  auto& attributes = *command.mutable_start_child_workflow_execution_command_attributes();
  attributes.set_workflow_id(std::string(id));
  attributes.mutable_workflow_type()->set_name("Child");
  attributes.set_parent_close_policy(policy);
  return command;
}

inline api::command::v1::Command signal_other(std::string_view id, bool child_only = false) {
  api::command::v1::Command command;
  command.set_command_type(enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION);
  auto& attributes = *command.mutable_signal_external_workflow_execution_command_attributes();
  attributes.mutable_execution()->set_workflow_id(std::string(id));
  attributes.set_signal_name("message");
  attributes.set_child_workflow_only(child_only);
  return command;
}

inline api::command::v1::Command cancel_other(std::string_view id, bool child_only = false) {
  api::command::v1::Command command;
  command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION);
  auto& attributes = *command.mutable_request_cancel_external_workflow_execution_command_attributes();
  attributes.set_workflow_id(std::string(id));
  attributes.set_child_workflow_only(child_only);
  return command;
}

TYPED_TEST_P(TemporalContract, StartsAChildAndHearsOfItsEnd) {
  const std::string parent_run = this->start_workflow("parent");
  this->complete(this->next_task().task_token(), {start_child("child")});
  const auto [told, child] = this->next_two_tasks("parent");
  ASSERT_EQ(told.workflow_execution().workflow_id(), "parent");
  ASSERT_EQ(child.workflow_execution().workflow_id(), "child");
  const auto& started = child.history().events(0).workflow_execution_started_event_attributes();
  EXPECT_EQ(started.parent_workflow_execution().workflow_id(), "parent");
  EXPECT_EQ(started.parent_workflow_execution().run_id(), parent_run);
  EXPECT_EQ(started.parent_initiated_event_id(), 5);
  EXPECT_EQ(started.root_workflow_execution().workflow_id(), "parent");
  const auto described = this->describe("parent");
  ASSERT_EQ(described.pending_children_size(), 1);
  EXPECT_EQ(described.pending_children(0).workflow_id(), "child");
  EXPECT_EQ(this->describe("child").workflow_execution_info().parent_execution().run_id(), parent_run);
  this->complete(told.task_token());
  this->complete(child.task_token(), {this->complete_workflow()});
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  const auto events = this->history("parent");
  ASSERT_EQ(this->names(events), this->words({kFirstTask, "StartChildWorkflowExecutionInitiated ChildWorkflowExecutionStarted",
                                              kTask, "ChildWorkflowExecutionCompleted", kTask, "WorkflowExecutionCompleted"}));
  EXPECT_EQ(events[4].start_child_workflow_execution_initiated_event_attributes().parent_close_policy(),
            enums::PARENT_CLOSE_POLICY_TERMINATE);
  EXPECT_EQ(events[4].start_child_workflow_execution_initiated_event_attributes().task_queue().name(), this->kQueue);
  const auto& closed = events[9].child_workflow_execution_completed_event_attributes();
  EXPECT_EQ(closed.initiated_event_id(), 5);
  EXPECT_EQ(closed.started_event_id(), 6);
  EXPECT_EQ(closed.result().payloads(0).data(), "\"result\"");
  EXPECT_EQ(closed.workflow_execution().run_id(), child.workflow_execution().run_id());
}

TYPED_TEST_P(TemporalContract, TellsTheParentOfTheLastRunOfAChild) {
  this->start_workflow("parent");
  this->complete(this->next_task().task_token(), {start_child("child")});
  const auto [told, first] = this->next_two_tasks("parent");
  this->complete(told.task_token());
  this->complete(first.task_token(), {this->continue_as_new()});
  const auto second = this->next_task();
  ASSERT_EQ(second.workflow_execution().workflow_id(), "child");
  EXPECT_EQ(this->history("parent").size(), 9u) << "it goes on";
  this->complete(second.task_token(), {this->fail_workflow()});
  const auto task = this->next_task();
  EXPECT_EQ(task.workflow_execution().workflow_id(), "parent");
  const auto events = this->history("parent");
  ASSERT_GT(events.size(), 9u);
  const auto& failed = events[9].child_workflow_execution_failed_event_attributes();
  EXPECT_EQ(failed.failure().message(), "no use");
  EXPECT_EQ(failed.workflow_execution().run_id(), second.workflow_execution().run_id());
}

TYPED_TEST_P(TemporalContract, FailsToStartAChildWhoseIdIsTaken) {
  this->start_workflow("taken");
  this->complete(this->next_task().task_token());
  this->start_workflow("parent");
  this->complete(this->next_task().task_token(), {start_child("taken")});
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  const auto events = this->history("parent");
  ASSERT_EQ(this->names(events), this->words({kFirstTask, "StartChildWorkflowExecutionInitiated",
                                              "StartChildWorkflowExecutionFailed", kTask, "WorkflowExecutionCompleted"}));
  const auto& failed = events[5].start_child_workflow_execution_failed_event_attributes();
  EXPECT_EQ(failed.cause(), enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
  EXPECT_EQ(failed.initiated_event_id(), 5);
  EXPECT_EQ(this->describe("taken").workflow_execution_info().status(), enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
}

TYPED_TEST_P(TemporalContract, EndsChildrenAsTheirPolicySays) {
  this->start_workflow("parent");
  this->complete(this->next_task().task_token(), {start_child("ended"), start_child("kept", enums::PARENT_CLOSE_POLICY_ABANDON),
                                                  start_child("asked", enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL)});
  const auto all_started = [&] {
    const auto parent = this->describe("parent");
    return parent.pending_children_size() == 3 &&
           std::ranges::none_of(parent.pending_children(), [](const auto& child) { return child.run_id().empty(); });
  };
  for (int i = 0; i < 50 && !all_started(); ++i) this->run_for(std::chrono::milliseconds(100));
  ASSERT_TRUE(this->terminate("parent").ok());
  const auto status = [&](std::string_view id) { return this->describe(id).workflow_execution_info().status(); };
  for (int i = 0; i < 50 && status("ended") == enums::WORKFLOW_EXECUTION_STATUS_RUNNING; ++i) {
    this->run_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(status("ended"), enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
  const auto asked = [&] { return this->events_of("asked").find("CancelRequested") != std::string::npos; };
  for (int i = 0; i < 50 && !asked(); ++i) this->run_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(asked());
  EXPECT_EQ(status("asked"), enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
  EXPECT_EQ(this->events_of("kept").find("CancelRequested"), std::string::npos);
  EXPECT_EQ(status("kept"), enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
}

TYPED_TEST_P(TemporalContract, SignalsAndCancelsOthers) {
  this->start_workflow("other");
  this->complete(this->next_task().task_token());
  this->start_workflow("sender");
  this->complete(this->next_task().task_token(), {signal_other("other")});
  {
    const auto [sender, other] = this->next_two_tasks("sender");
    ASSERT_EQ(other.workflow_execution().workflow_id(), "other");
    this->complete(other.task_token());
    this->complete(sender.task_token(), {cancel_other("other")});
  }
  const auto [sender, other] = this->next_two_tasks("sender");
  this->complete(sender.task_token(), {signal_other("absent"), cancel_other("other", true)});
  this->complete(this->next_task().task_token());
  for (int i = 0; i < 50 && this->history("sender").size() < 19; ++i) this->run_for(std::chrono::milliseconds(100));
  const std::string sent = this->events_of("sender");
  EXPECT_TRUE(sent.starts_with(
      this->words({kFirstTask, "SignalExternalWorkflowExecutionInitiated ExternalWorkflowExecutionSignaled", kTask,
                   "RequestCancelExternalWorkflowExecutionInitiated ExternalWorkflowExecutionCancelRequested", kTask,
                   "SignalExternalWorkflowExecutionInitiated RequestCancelExternalWorkflowExecutionInitiated"})))
      << sent;
  EXPECT_NE(sent.find("SignalExternalWorkflowExecutionFailed"), std::string::npos);
  EXPECT_NE(sent.find("RequestCancelExternalWorkflowExecutionFailed"), std::string::npos) << "it is no child";
  const auto events = this->history("other");
  ASSERT_EQ(this->names(events),
            this->words({kFirstTask, "WorkflowExecutionSignaled", kTask,
                         "WorkflowExecutionCancelRequested WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  const auto& signaled = events[4].workflow_execution_signaled_event_attributes();
  EXPECT_EQ(signaled.external_workflow_execution().workflow_id(), "sender");
  EXPECT_EQ(signaled.signal_name(), "message");
}

TYPED_TEST_P(TemporalContract, KeepsWhatWorkflowsWantOfEachOtherOverARestart) {
  this->start_workflow("parent");
  this->complete(this->next_task().task_token(), {start_child("child")});
  this->world_.restart();
  const auto [told, child] = this->next_two_tasks("parent");
  this->complete(told.task_token());
  this->complete(child.task_token(), {this->complete_workflow()});
  this->world_.restart();
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  EXPECT_EQ(this->events_of("parent"),
            this->words({kFirstTask, "StartChildWorkflowExecutionInitiated ChildWorkflowExecutionStarted", kTask,
                         "ChildWorkflowExecutionCompleted", kTask, "WorkflowExecutionCompleted"}));
  EXPECT_EQ(this->events_of("child"), this->words({kFirstTask, "WorkflowExecutionCompleted"}));
}

TYPED_TEST_P(TemporalContract, GivesAChildItsOwnTaskTimeout) {
  auto request = this->start_request("parent");
  *request.mutable_workflow_task_timeout() = this->span(std::chrono::seconds(30));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  auto hurried = start_child("hurried");
  *hurried.mutable_start_child_workflow_execution_command_attributes()->mutable_workflow_run_timeout() =
      this->span(std::chrono::seconds(5));
  auto patient = start_child("patient");
  *patient.mutable_start_child_workflow_execution_command_attributes()->mutable_workflow_task_timeout() =
      this->span(std::chrono::minutes(5));
  this->complete(this->next_task().task_token(), {start_child("plain"), hurried, patient});
  const auto events = this->history("parent");
  const auto timeout = [&](std::size_t event) {
    return events[event].start_child_workflow_execution_initiated_event_attributes().workflow_task_timeout().seconds();
  };
  ASSERT_GT(events.size(), 6u);
  EXPECT_EQ(timeout(4), 10) << "not its parent's";
  EXPECT_EQ(timeout(5), 5) << "at most what it has itself";
  EXPECT_EQ(timeout(6), 120) << "at most what a server allows";
}

TYPED_TEST_P(TemporalContract, ReachesNobodyButOthersFromOutside) {
  this->start_workflow("self");
  this->complete(this->next_task().task_token(), {signal_other("self")});
  this->complete(this->next_task().task_token(), {cancel_other("self")});
  this->complete(this->next_task().task_token());
  const auto events = this->history("self");
  EXPECT_EQ(
      this->names(events),
      this->words({kFirstTask, "SignalExternalWorkflowExecutionInitiated SignalExternalWorkflowExecutionFailed", kTask,
                   "RequestCancelExternalWorkflowExecutionInitiated RequestCancelExternalWorkflowExecutionFailed", kTask}));
  EXPECT_EQ(events[4].signal_external_workflow_execution_initiated_event_attributes().namespace_(), "");
  EXPECT_EQ(events[9].request_cancel_external_workflow_execution_initiated_event_attributes().namespace_(), "");
}

TYPED_TEST_P(TemporalContract, CancelsWithSuccessWhatHasEnded) {
  this->start_workflow("ended");
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  this->start_workflow("late");
  this->complete(this->next_task().task_token(), {cancel_other("ended")});
  this->complete(this->next_task().task_token());
  EXPECT_EQ(this->events_of("late"), this->words({kFirstTask, "RequestCancelExternalWorkflowExecutionInitiated",
                                                  "ExternalWorkflowExecutionCancelRequested", kTask}));
  EXPECT_EQ(this->events_of("ended"), this->words({kFirstTask, "WorkflowExecutionCompleted"}));
}

TYPED_TEST_P(TemporalContract, EndsTheDelayWhenAnotherWorkflowCancels) {
  auto request = this->start_request("delayed");
  *request.mutable_workflow_start_delay() = this->span(std::chrono::hours(1));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  this->start_workflow("canceller");
  this->complete(this->next_task().task_token(), {cancel_other("delayed")});
  const auto [canceller, delayed] = this->next_two_tasks("canceller");
  EXPECT_EQ(canceller.workflow_execution().workflow_id(), "canceller");
  EXPECT_EQ(this->names(delayed.history().events()),
            "WorkflowExecutionStarted WorkflowExecutionCancelRequested WorkflowTaskScheduled WorkflowTaskStarted");
}

TYPED_TEST_P(TemporalContract, FailsATaskThatNamesARunByNoUuid) {
  this->start_workflow("target");
  ASSERT_EQ(this->next_task().workflow_execution().workflow_id(), "target");
  std::vector<Command> commands = {signal_other("target"), cancel_other("target")};
  commands[0].mutable_signal_external_workflow_execution_command_attributes()->mutable_execution()->set_run_id("run");
  commands[1].mutable_request_cancel_external_workflow_execution_command_attributes()->set_run_id("run");
  const auto causes = {enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES};
  const auto* cause = causes.begin();
  for (Command& command : commands) {
    const std::string id = concat("sender ", enums::CommandType_Name(command.command_type()));
    this->start_workflow(id);
    const auto refused = this->get(this->temporal().respond_workflow_task_completed(
        this->completion(this->next_task().task_token(), {std::move(command)}), this->in(this->kLong)));
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument) << refused.status();
    EXPECT_TRUE(message_of(refused.status()).find("Invalid RunId") != std::string_view::npos) << refused.status();
    EXPECT_EQ(this->history(id)[3].workflow_task_failed_event_attributes().cause(), *cause++);
    ASSERT_TRUE(this->terminate(id).ok());
  }
}

}  // namespace reliant::tests

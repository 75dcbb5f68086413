// The contract of ports::Temporal, part 3: sticky queues, queries, reading histories, restarts. See temporal_contract.h.
#pragma once

#include "contract/temporal/temporal_contract.h"

namespace reliant::tests {

TYPED_TEST_P(TemporalContract, GivesAStickyWorkerOnlyWhatIsNew) {
  this->start_workflow("sticky");
  auto task = this->next_task();
  auto polled = this->start(this->poll_task(true));
  auto request = this->completion(task.task_token(), {});
  this->make_sticky(request);
  this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  ASSERT_TRUE(this->signal("sticky", "s").ok());
  const auto next = this->await(*polled);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(this->names(next->history().events()),
            "WorkflowTaskCompleted WorkflowExecutionSignaled WorkflowTaskScheduled WorkflowTaskStarted");
  EXPECT_EQ(next->history().events(0).event_id(), next->previous_started_event_id() + 1);
  EXPECT_EQ(next->workflow_execution_task_queue().name(), this->kQueue);
}

TYPED_TEST_P(TemporalContract, GivesUpAStickyWorkerThatDoesNotCome) {
  this->start_workflow("gone");
  auto task = this->next_task();
  EXPECT_EQ(this->next_task(true, std::chrono::seconds(3)).task_token(), "");  // it was there a moment ago
  auto request = this->completion(task.task_token(), {});
  this->make_sticky(request);
  this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  ASSERT_TRUE(this->signal("gone", "s").ok());
  task = this->next_task();
  EXPECT_EQ(task.attempt(), 1);
  const auto events = this->history("gone");
  EXPECT_EQ(this->names(events), this->words({kFirstTask, "WorkflowExecutionSignaled WorkflowTaskScheduled",
                                              "WorkflowTaskTimedOut WorkflowTaskScheduled WorkflowTaskStarted"}));
  EXPECT_EQ(task.history().events_size(), static_cast<int>(events.size())) << "the whole history for another worker";
  EXPECT_EQ(events[6].workflow_task_timed_out_event_attributes().timeout_type(), enums::TIMEOUT_TYPE_SCHEDULE_TO_START);
}

TYPED_TEST_P(TemporalContract, GivesUpAStickyWorkerThatDoesNotAnswer) {
  this->start_workflow("silent");
  const auto first = this->next_task();
  EXPECT_EQ(this->next_task(true, std::chrono::seconds(3)).task_token(), "");  // it was there a moment ago
  auto request = this->completion(first.task_token(), {});
  this->make_sticky(request);
  *request.mutable_sticky_attributes()->mutable_schedule_to_start_timeout() = this->span(std::chrono::seconds(2));
  this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  auto asked = this->start(this->query("silent"));
  const auto question = this->next_task();
  EXPECT_EQ(question.history().events_size(), 4) << "the whole history for another worker";
  ASSERT_TRUE(this->answer_query(question.task_token(), "fine").ok());
  ASSERT_TRUE(this->await(*asked).ok());
  ASSERT_TRUE(this->signal("silent", "s").ok());
  EXPECT_EQ(this->next_task().attempt(), 1);
  EXPECT_EQ(this->events_of("silent"),
            this->words({kFirstTask, "WorkflowExecutionSignaled WorkflowTaskScheduled WorkflowTaskStarted"}))
      << "it is not waited for again";
}

TYPED_TEST_P(TemporalContract, ReturnsTheNextTaskWithTheAnswerToTheLast) {
  this->start_workflow("inline");
  const auto task = this->next_task();
  ASSERT_TRUE(this->signal("inline", "s").ok());
  auto request = this->completion(task.task_token(), {});
  this->make_sticky(request);
  request.set_return_new_workflow_task(true);
  const auto response = this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  EXPECT_EQ(this->names(response.workflow_task().history().events()),
            "WorkflowTaskCompleted WorkflowExecutionSignaled WorkflowTaskScheduled WorkflowTaskStarted");
  this->complete(response.workflow_task().task_token(), {this->complete_workflow()});
}

TYPED_TEST_P(TemporalContract, ReturnsOnlyWhatIsNewAlsoToAWorkerThatIsNotSticky) {
  this->start_workflow("inline");
  const auto task = this->next_task();
  ASSERT_TRUE(this->signal("inline", "s").ok());
  auto request = this->completion(task.task_token(), {});
  request.set_return_new_workflow_task(true);
  const auto response = this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  EXPECT_EQ(this->names(response.workflow_task().history().events()),
            "WorkflowTaskCompleted WorkflowExecutionSignaled WorkflowTaskScheduled WorkflowTaskStarted");
}

TYPED_TEST_P(TemporalContract, MakesANewTaskWhenItIsForcedTo) {
  this->start_workflow("forced");
  auto request = this->completion(this->next_task().task_token(), {});
  request.set_force_create_new_workflow_task(true);
  this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  EXPECT_EQ(this->next_task().previous_started_event_id(), 3);
}

TYPED_TEST_P(TemporalContract, EndsThePollsOfAWorkerThatStops) {
  auto normal = this->start(this->poll_task());
  auto sticky = this->start(this->poll_task(true));
  auto activity = this->start(this->poll_activity());
  this->run_for(std::chrono::seconds(1));
  wf::ShutdownWorkerRequest request;
  request.set_namespace_("default");
  request.set_worker_instance_key("instance-1");
  request.set_sticky_task_queue(this->kSticky);
  this->must(this->temporal().shutdown_worker(request, this->in(this->kLong)));
  this->run_for(std::chrono::seconds(1));
  wf::DescribeNamespaceRequest describe;
  describe.set_namespace_("default");
  const auto found = this->must(this->temporal().describe_namespace(describe, this->in(this->kLong)));
  const bool promised = found.namespace_info().capabilities().worker_poll_complete_on_shutdown();
  if (TypeParam::kEndsPollsOfAWorkerThatStops) EXPECT_TRUE(promised);
  EXPECT_EQ(promised, normal->ended() && sticky->ended() && activity->ended());
  if (!promised) return;  // then a worker breaks them off itself
  EXPECT_EQ(this->await(*normal)->ByteSizeLong(), 0u);
  EXPECT_EQ(this->await(*activity)->ByteSizeLong(), 0u);
}

TYPED_TEST_P(TemporalContract, AsksAWorkerDirectlyWhileNothingGoesOn) {
  this->start_workflow("ask");
  this->complete(this->next_task().task_token());
  auto asked = this->start(this->query("ask"));
  const auto task = this->next_task();
  EXPECT_EQ(task.query().query_type(), "status");
  EXPECT_EQ(task.started_event_id(), 0);
  EXPECT_EQ(task.history().events_size(), 4);
  ASSERT_TRUE(this->answer_query(task.task_token(), "fine").ok());
  const auto result = this->await(*asked);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->query_result().payloads(0).data(), "\"fine\"");
  EXPECT_EQ(this->history("ask").size(), 4u) << "a query leaves no trace";
  EXPECT_EQ(this->answer_query(task.task_token(), "fine").code(), StatusCode::kNotFound);
}

TYPED_TEST_P(TemporalContract, AttachesAQueryToTheNextTaskAndReportsAFailedOne) {
  this->start_workflow("attached");
  auto asked = this->start(this->query("attached"));
  this->run_for(std::chrono::milliseconds(100));
  const auto task = this->next_task();
  ASSERT_EQ(task.queries_size(), 1);
  auto request = this->completion(task.task_token(), {});
  auto& result = (*request.mutable_query_results())[task.queries().begin()->first];
  result.set_result_type(enums::QUERY_RESULT_TYPE_FAILED);
  result.set_error_message("unknown query");
  this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  const auto answer = this->await(*asked);
  EXPECT_EQ(answer.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(message_of(answer.status()), "unknown query");
}

TYPED_TEST_P(TemporalContract, AsksDirectlyWhatATaskDidNotAnswer) {
  this->start_workflow("unanswered");
  const auto task = this->next_task();
  auto asked = this->start(this->query("unanswered"));
  this->run_for(std::chrono::milliseconds(100));
  this->complete(task.task_token());
  EXPECT_EQ(this->next_task().query().query_type(), "status");
}

TYPED_TEST_P(TemporalContract, AsksAnotherWhenAStickyWorkerGoesBeforeItAnswers) {
  this->start_workflow("left");
  const auto task = this->next_task();
  EXPECT_EQ(this->next_task(true, std::chrono::seconds(3)).task_token(), "");  // it was there a moment ago
  auto asked = this->start(this->query("left"));
  this->run_for(std::chrono::milliseconds(100));
  auto request = this->completion(task.task_token(), {});
  this->make_sticky(request);
  *request.mutable_sticky_attributes()->mutable_schedule_to_start_timeout() = this->span(std::chrono::seconds(2));
  this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  const auto question = this->next_task(false, std::chrono::seconds(10));
  EXPECT_EQ(question.query().query_type(), "status");
  EXPECT_EQ(question.history().events_size(), 4);
  ASSERT_TRUE(this->answer_query(question.task_token(), "fine").ok());
  EXPECT_TRUE(this->await(*asked).ok());
}

TYPED_TEST_P(TemporalContract, AsksAnyWorkerOfAClosedRun) {
  this->start_workflow("over");
  const auto task = this->next_task();
  EXPECT_EQ(this->next_task(true, std::chrono::seconds(3)).task_token(), "");  // it was there a moment ago
  auto request = this->completion(task.task_token(), {this->complete_workflow()});
  this->make_sticky(request);
  this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  auto asked = this->start(this->query("over"));
  const auto question = this->next_task(false, std::chrono::seconds(5));  // sooner than a sticky worker is given up
  EXPECT_EQ(question.query().query_type(), "status");
  EXPECT_EQ(question.history().events_size(), 5);
}

TYPED_TEST_P(TemporalContract, KeepsAQueryForTheTaskAfterOneThatFailed) {
  this->start_workflow("patient");
  const auto task = this->next_task();
  auto asked = this->start(this->query("patient"));
  this->run_for(std::chrono::milliseconds(100));
  ASSERT_TRUE(this->fail_task(task.task_token()).ok());
  const auto again = this->next_task();
  ASSERT_EQ(again.queries_size(), 1);
  auto request = this->completion(again.task_token(), {});
  auto& result = (*request.mutable_query_results())[again.queries().begin()->first];
  result.set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
  *result.mutable_answer() = this->text("fine");
  this->must(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
  EXPECT_TRUE(this->await(*asked).ok());
}

TYPED_TEST_P(TemporalContract, RejectsQueriesThatCannotBeAnswered) {
  auto request = this->start_request("none");
  *request.mutable_workflow_start_delay() = this->span(std::chrono::hours(1));
  this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  EXPECT_EQ(this->get(this->query("none")).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(this->get(this->query("absent")).status().code(), StatusCode::kNotFound);
  this->start_workflow("closed");
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  wf::QueryWorkflowRequest query;
  query.set_namespace_("default");
  query.mutable_execution()->set_workflow_id("closed");
  query.mutable_query()->set_query_type("status");
  query.set_query_reject_condition(enums::QUERY_REJECT_CONDITION_NOT_OPEN);
  EXPECT_EQ(this->must(this->temporal().query_workflow(query, this->in(this->kLong))).query_rejected().status(),
            enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
}

TYPED_TEST_P(TemporalContract, ReadsAHistoryInPages) {
  this->start_workflow("pages");
  std::vector<Command> commands;
  commands.reserve(20);
  for (int i = 0; i < 20; ++i) commands.push_back(this->start_timer(concat(i), std::chrono::hours(1)));
  this->complete(this->next_task().task_token(), std::move(commands));
  const auto whole = this->history("pages");
  const auto paged = this->history("pages", {}, 7);
  ASSERT_EQ(whole.size(), 24u);
  ASSERT_EQ(paged.size(), whole.size());
  EXPECT_EQ(this->names(paged), this->names(whole));
}

TYPED_TEST_P(TemporalContract, WaitsForTheCloseEvent) {
  this->start_workflow("result");
  wf::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id("result");
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  const auto now = this->must(this->temporal().get_workflow_execution_history(request, this->in(this->kLong)));
  EXPECT_EQ(now.history().events_size(), 0);
  EXPECT_EQ(now.next_page_token(), "");
  request.set_wait_new_event(true);
  const auto late = this->must(this->temporal().get_workflow_execution_history(request, this->in(this->kLong)));
  EXPECT_EQ(late.history().events_size(), 0);
  EXPECT_NE(late.next_page_token(), "");
  request.set_next_page_token(late.next_page_token());
  auto waiting = this->start(this->temporal().get_workflow_execution_history(request, this->in(this->kLong)));
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
  const auto closed = this->await(*waiting);
  ASSERT_TRUE(closed.ok());
  EXPECT_EQ(this->names(closed->history().events()), "WorkflowExecutionCompleted");
  EXPECT_EQ(closed->next_page_token(), "");
}

TYPED_TEST_P(TemporalContract, FollowsAHistoryAsItGrows) {
  this->start_workflow("follow");
  wf::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id("follow");
  request.set_wait_new_event(true);
  auto page = this->must(this->temporal().get_workflow_execution_history(request, this->in(this->kLong)));
  EXPECT_EQ(page.history().events_size(), 2);
  request.set_next_page_token(page.next_page_token());
  auto waiting = this->start(this->temporal().get_workflow_execution_history(request, this->in(this->kLong)));
  this->run_for(std::chrono::seconds(2));
  EXPECT_FALSE(waiting->ended());
  ASSERT_TRUE(this->signal("follow", "s").ok());
  const auto grown = this->await(*waiting);
  ASSERT_TRUE(grown.ok());
  EXPECT_EQ(this->names(grown->history().events()), "WorkflowExecutionSignaled");
}

TYPED_TEST_P(TemporalContract, KeepsEverythingAcknowledgedOverARestart) {
  const std::string waiting = this->start_workflow("waiting");
  this->world_.restart();
  auto task = this->next_task();
  EXPECT_EQ(task.workflow_execution().run_id(), waiting);
  this->world_.restart();
  this->complete(task.task_token(), {this->schedule_activity("1"), this->schedule_activity("2"),
                                     this->start_timer("t", std::chrono::seconds(12))});
  auto first = this->next_activity();
  ASSERT_TRUE(this->heartbeat(first.task_token(), "half").ok());
  this->world_.restart();
  EXPECT_TRUE(this->heartbeat(first.task_token(), "more").ok()) << "tokens stay good";
  ASSERT_TRUE(this->fail_activity(first.task_token()).ok());
  this->world_.restart();
  // The other one, or this one again: no server promises an order, and after a crash a retry may come early. Ours does.
  const auto check = [&](const wf::PollActivityTaskQueueResponse& activity) {
    const bool again = activity.activity_id() == first.activity_id();
    EXPECT_EQ(activity.attempt(), again ? 2 : 1);
    if (again) EXPECT_EQ(activity.heartbeat_details().payloads(0).data(), "\"more\"");
  };
  const auto second = this->next_activity();
  check(second);
  if (TypeParam::kKeepsOrder) {
    EXPECT_EQ(first.activity_id(), "1");
    EXPECT_EQ(second.activity_id(), "2");
  }
  ASSERT_TRUE(this->complete_activity(second.task_token()).ok());
  ASSERT_TRUE(this->signal("waiting", "s").ok());
  this->world_.restart();
  EXPECT_TRUE(this->signal("waiting", "s").ok());
  const auto third = this->next_activity();
  check(third);
  EXPECT_NE(third.activity_id(), second.activity_id());
  ASSERT_TRUE(this->complete_activity(third.task_token()).ok());
  this->run_for(std::chrono::seconds(13));
  EXPECT_EQ(this->events_of("waiting"),
            this->words({kFirstTask, "ActivityTaskScheduled ActivityTaskScheduled TimerStarted ActivityTaskStarted",
                         "ActivityTaskCompleted WorkflowTaskScheduled WorkflowExecutionSignaled ActivityTaskStarted",
                         "ActivityTaskCompleted TimerFired"}));
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
}

}  // namespace reliant::tests

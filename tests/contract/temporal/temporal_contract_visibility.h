// Which workflows there are, and who works for them; what is done to activities by their ids; eager starts; histories from
// their end.
#pragma once

#include <algorithm>
#include <map>

#include "contract/temporal/temporal_contract.h"

namespace reliant::tests {

template <class World>
class TemporalVisibility : public TemporalContract<World> {
 protected:
  // The ids that a query finds, in the order of the list.
  std::string ids(std::string_view query, int page_size = 0) {
    wf::ListWorkflowExecutionsRequest request;
    request.set_namespace_("default");
    request.set_query(std::string(query));
    request.set_page_size(page_size);
    std::string found;
    for (;;) {
      const auto page = this->must(this->temporal().list_workflow_executions(request, this->in(this->kLong)));
      if (page_size > 0) EXPECT_LE(page.executions_size(), page_size);
      for (const auto& info : page.executions()) found += concat(found.empty() ? "" : " ", info.execution().workflow_id());
      if (page.next_page_token().empty()) return found;
      request.set_next_page_token(page.next_page_token());
    }
  }
  // A real server lists a moment later what has happened.
  void expect_ids(std::string_view query, std::string_view wanted, int page_size = 0) {
    for (int i = 0; i < 200 && ids(query, page_size) != wanted; ++i) this->run_for(std::chrono::milliseconds(20));
    EXPECT_EQ(ids(query, page_size), wanted) << query;
  }
  std::int64_t count(std::string_view query) {
    wf::CountWorkflowExecutionsRequest request;
    request.set_namespace_("default");
    request.set_query(std::string(query));
    return this->must(this->temporal().count_workflow_executions(request, this->in(this->kLong))).count();
  }
  StatusCode complaint(std::string_view query) {
    wf::ListWorkflowExecutionsRequest request;
    request.set_namespace_("default");
    request.set_query(std::string(query));
    return this->get(this->temporal().list_workflow_executions(request, this->in(this->kLong))).status().code();
  }
  // `a` completed, `b` terminated, `c` and `d` running, in this order.
  void make_four() {
    for (const char* const id : {"a", "b", "c", "d"}) {
      auto request = this->start_request(id);
      if (id == std::string_view("c")) request.mutable_workflow_type()->set_name("Other");
      this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
      this->run_for(std::chrono::milliseconds(5));
      if (id == std::string_view("a")) this->complete(this->next_task().task_token(), {this->complete_workflow()});
      if (id == std::string_view("b")) ASSERT_TRUE(this->terminate("b").ok());
    }
    expect_ids("", "d c b a");
    expect_ids("ExecutionStatus != 'Running'", "b a");
  }
  Status remove(std::string_view id) {
    wf::DeleteWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(std::string(id));
    return this->get(this->temporal().delete_workflow_execution(request, this->in(this->kLong))).status();
  }
  Status described(std::string_view id) {
    wf::DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(std::string(id));
    return this->get(this->temporal().describe_workflow_execution(request, this->in(this->kLong))).status();
  }
  void expect_gone(std::string_view id) {
    for (int i = 0; i < 1000 && described(id).code() != StatusCode::kNotFound; ++i)
      this->run_for(std::chrono::milliseconds(50));
    EXPECT_EQ(described(id).code(), StatusCode::kNotFound);
    expect_ids(concat("WorkflowId = '", id, "'"), "");
  }
  wf::DescribeTaskQueueResponse queue(enums::TaskQueueType type) {
    wf::DescribeTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name(this->kQueue);
    request.set_task_queue_type(type);
    request.set_report_stats(true);
    return this->must(this->temporal().describe_task_queue(request, this->in(this->kLong)));
  }
};
TYPED_TEST_SUITE_P(TemporalVisibility);

TYPED_TEST_P(TemporalVisibility, FindsWorkflowsByWhatIsKnownOfThem) {
  this->make_four();
  this->expect_ids("ExecutionStatus = 'Running'", "d c");
  this->expect_ids("ExecutionStatus = \"Completed\"", "a");
  this->expect_ids("ExecutionStatus IN ('Completed', 'Terminated')", "b a");
  this->expect_ids("WorkflowType = 'Other'", "c");
  this->expect_ids("WorkflowType != 'Other' AND ExecutionStatus = 'Running'", "d");
  this->expect_ids("WorkflowId = 'a' OR WorkflowId = 'd'", "d a");
  this->expect_ids("(WorkflowId = 'a' OR WorkflowId = 'd') AND ExecutionStatus = 'Completed'", "a");
  this->expect_ids("WorkflowId IN ('b', 'c', 'e')", "c b");
  this->expect_ids("WorkflowId NOT IN ('b', 'c')", "d a");
  this->expect_ids("WorkflowId STARTS_WITH 'c'", "c");
  this->expect_ids("WorkflowId > 'b'", "d c");
  this->expect_ids(concat("TaskQueue = '", this->kQueue, "'"), "d c b a");
  this->expect_ids("TaskQueue = 'another'", "");
  this->expect_ids("CloseTime IS NULL", "d c");
  this->expect_ids("CloseTime IS NOT NULL", "b a");
  this->expect_ids("StartTime > '1990-01-01T00:00:00Z'", "d c b a");
  this->expect_ids("StartTime < '1990-01-01T00:00:00Z'", "");
  this->expect_ids(concat("RunId = '", this->describe("b").workflow_execution_info().execution().run_id(), "'"), "b");
}

TYPED_TEST_P(TemporalVisibility, ListsInPagesAndCounts) {
  this->make_four();
  for (const int page : {1, 2, 3, 4}) this->expect_ids("", "d c b a", page);
  EXPECT_EQ(this->count(""), 4);
  EXPECT_EQ(this->count("ExecutionStatus = 'Running'"), 2);
  wf::CountWorkflowExecutionsRequest request;
  request.set_namespace_("default");
  request.set_query("GROUP BY ExecutionStatus");
  const auto counted = this->must(this->temporal().count_workflow_executions(request, this->in(this->kLong)));
  EXPECT_EQ(counted.count(), 4);
  std::map<std::string, std::int64_t> groups;
  for (const auto& group : counted.groups()) groups[group.group_values(0).data()] = group.count();
  EXPECT_EQ(groups, (std::map<std::string, std::int64_t>{{"\"Running\"", 2}, {"\"Completed\"", 1}, {"\"Terminated\"", 1}}));
  wf::ListOpenWorkflowExecutionsRequest open;
  open.set_namespace_("default");
  open.mutable_type_filter()->set_name("Other");
  EXPECT_EQ(this->must(this->temporal().list_open_workflow_executions(open, this->in(this->kLong))).executions_size(), 1);
  wf::ListClosedWorkflowExecutionsRequest closed;
  closed.set_namespace_("default");
  closed.mutable_status_filter()->set_status(enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  const auto ended = this->must(this->temporal().list_closed_workflow_executions(closed, this->in(this->kLong)));
  ASSERT_EQ(ended.executions_size(), 1);
  EXPECT_EQ(ended.executions(0).execution().workflow_id(), "a");
  EXPECT_EQ(ended.executions(0).type().name(), "Hello");
  EXPECT_EQ(ended.executions(0).task_queue(), this->kQueue);
  EXPECT_EQ(ended.executions(0).status(), enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  EXPECT_EQ(ended.executions(0).history_length(), 5);
  EXPECT_GT(ended.executions(0).close_time().seconds(), 0);
}

TYPED_TEST_P(TemporalVisibility, RefusesQueriesThatItCannotRead) {
  for (const char* const query : {"WorkflowId = ", "Nonsense = 'x'", "(WorkflowId = 'x'", "WorkflowId 'x'",
                                  "ExecutionStatus = 'Sleeping'", "StartTime > 'yesterday'", "WorkflowId = 'x' AND",
                                  "WorkflowId = 'open", "StartTime STARTS_WITH '2'", "GROUP BY WorkflowType"}) {
    EXPECT_EQ(this->complaint(query), StatusCode::kInvalidArgument) << query;
  }
  wf::ListWorkflowExecutionsRequest request;
  request.set_namespace_("default");
  request.set_next_page_token("no token");
  EXPECT_FALSE(this->get(this->temporal().list_workflow_executions(request, this->in(this->kLong))).ok());
}

TYPED_TEST_P(TemporalVisibility, ListsAfterARestartWhatItListedBefore) {
  this->make_four();
  this->world_.restart();
  this->expect_ids("", "d c b a");
  this->expect_ids("ExecutionStatus = 'Terminated'", "b");
}

TYPED_TEST_P(TemporalVisibility, DeletesWhatIsClosedAndWhatRuns) {
  this->make_four();
  ASSERT_TRUE(this->remove("a").ok());
  this->expect_gone("a");
  ASSERT_TRUE(this->remove("d").ok());
  this->expect_gone("d");
  this->expect_ids("", "c b");
  EXPECT_EQ(this->remove("a").code(), StatusCode::kNotFound);
  EXPECT_EQ(this->remove("never").code(), StatusCode::kNotFound);
  this->start_workflow("again");  // an id is free again
}

TYPED_TEST_P(TemporalVisibility, TellsTheParentOfAChildThatIsDeleted) {
  this->start_workflow("parent");
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION);
  auto& child = *command.mutable_start_child_workflow_execution_command_attributes();
  child.set_workflow_id("child");
  child.mutable_workflow_type()->set_name("Hello");
  child.mutable_task_queue()->set_name("absent");
  this->complete(this->next_task().task_token(), {std::move(command)});
  this->complete(this->next_task().task_token());  // it has heard that the child has started
  ASSERT_TRUE(this->remove("child").ok());
  const auto task = this->next_task();
  this->expect_gone("child");
  EXPECT_TRUE(this->events_of("parent").find("ChildWorkflowExecutionTerminated") != std::string::npos)
      << this->events_of("parent");
  this->complete(task.task_token(), {this->complete_workflow()});
}

TYPED_TEST_P(TemporalVisibility, KnowsWhoPollsAndWhatWaits) {
  EXPECT_EQ(this->queue(enums::TASK_QUEUE_TYPE_WORKFLOW).pollers_size(), 0);
  this->start_workflow("waits");
  const std::int64_t waits = this->queue(enums::TASK_QUEUE_TYPE_WORKFLOW).stats().approximate_backlog_count();
  EXPECT_LE(waits, 1);
  if (TypeParam::kKeepsOrder) EXPECT_EQ(waits, 1) << "a real server's number is an estimate";
  this->complete(this->next_task().task_token(), {this->schedule_activity("1")});
  const auto workers = this->queue(enums::TASK_QUEUE_TYPE_WORKFLOW);
  ASSERT_EQ(workers.pollers_size(), 1);
  EXPECT_EQ(workers.pollers(0).identity(), "worker-1");
  EXPECT_GT(workers.pollers(0).last_access_time().seconds(), 0);
  EXPECT_EQ(this->queue(enums::TASK_QUEUE_TYPE_ACTIVITY).pollers_size(), 0);
  this->next_activity();
  EXPECT_EQ(this->queue(enums::TASK_QUEUE_TYPE_ACTIVITY).pollers_size(), 1);
  wf::DescribeTaskQueueRequest nameless;
  nameless.set_namespace_("default");
  EXPECT_EQ(this->get(this->temporal().describe_task_queue(nameless, this->in(this->kLong))).status().code(),
            StatusCode::kInvalidArgument);
}

TYPED_TEST_P(TemporalVisibility, AnswersForActivitiesByTheirIds) {
  this->start_workflow("by id");
  std::vector<Command> commands;
  for (const char* const id : {"completed", "failed", "cancelled", "untaken"}) {
    commands.push_back(this->schedule_activity(id));
    this->activity_of(commands.back()).mutable_retry_policy()->set_maximum_attempts(1);
    if (id == std::string_view("untaken")) this->activity_of(commands.back()).mutable_task_queue()->set_name("absent");
  }
  this->complete(this->next_task().task_token(), std::move(commands));
  std::int64_t cancelled = 0;
  for (int i = 0; i < 3; ++i) this->next_activity();
  for (const HistoryEvent& event : this->history("by id")) {
    if (event.activity_task_scheduled_event_attributes().activity_id() == "cancelled") cancelled = event.event_id();
  }
  const auto ask = [&](auto request) {
    request.set_namespace_("default");
    request.set_workflow_id("by id");
    request.set_identity("outside");
    return request;
  };
  auto beat = ask(wf::RecordActivityTaskHeartbeatByIdRequest());
  beat.set_activity_id("completed");
  *beat.mutable_details() = this->text("half");
  EXPECT_FALSE(
      this->must(this->temporal().record_activity_task_heartbeat_by_id(beat, this->in(this->kLong))).cancel_requested());
  const auto described = this->describe("by id");
  const auto pending = std::ranges::find_if(described.pending_activities(),
                                            [](const auto& activity) { return activity.activity_id() == "completed"; });
  ASSERT_NE(pending, described.pending_activities().end());
  EXPECT_EQ(pending->heartbeat_details().payloads(0).data(), "\"half\"");
  for (const char* const id : {"completed", "untaken"}) {
    auto completed = ask(wf::RespondActivityTaskCompletedByIdRequest());
    completed.set_activity_id(id);
    *completed.mutable_result() = this->text(id);
    this->must(this->temporal().respond_activity_task_completed_by_id(completed, this->in(this->kLong)));
    EXPECT_EQ(
        this->get(this->temporal().respond_activity_task_completed_by_id(completed, this->in(this->kLong))).status().code(),
        StatusCode::kNotFound);
  }
  auto failed = ask(wf::RespondActivityTaskFailedByIdRequest());
  failed.set_activity_id("failed");
  failed.mutable_failure()->set_message("no");
  this->must(this->temporal().respond_activity_task_failed_by_id(failed, this->in(this->kLong)));
  auto ended = ask(wf::RespondActivityTaskCanceledByIdRequest());
  ended.set_activity_id("cancelled");
  EXPECT_EQ(this->get(this->temporal().respond_activity_task_canceled_by_id(ended, this->in(this->kLong))).status().code(),
            StatusCode::kInvalidArgument)
      << "it was not requested";
  this->complete(this->next_task().task_token(), {this->cancel_activity(cancelled)});
  this->must(this->temporal().respond_activity_task_canceled_by_id(ended, this->in(this->kLong)));
  auto unknown = ask(wf::RespondActivityTaskCompletedByIdRequest());
  EXPECT_EQ(this->get(this->temporal().respond_activity_task_completed_by_id(unknown, this->in(this->kLong))).status().code(),
            StatusCode::kInvalidArgument);
  unknown.set_activity_id("unknown");
  EXPECT_EQ(this->get(this->temporal().respond_activity_task_completed_by_id(unknown, this->in(this->kLong))).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(this->describe("by id").pending_activities_size(), 0);
}

TYPED_TEST_P(TemporalVisibility, GivesAnEagerClientTheFirstTask) {
  auto request = this->start_request("eager");
  request.set_request_eager_execution(true);
  const auto started = this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  ASSERT_TRUE(started.has_eager_workflow_task());
  const auto& task = started.eager_workflow_task();
  EXPECT_EQ(this->names(task.history().events()), "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted");
  EXPECT_TRUE(task.history().events(0).workflow_execution_started_event_attributes().eager_execution_accepted());
  EXPECT_EQ(task.history().events(2).workflow_task_started_event_attributes().request_id(), request.request_id());
  const auto again = this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  EXPECT_EQ(again.run_id(), started.run_id());
  EXPECT_TRUE(again.has_eager_workflow_task()) << "its answer was lost";
  auto asked = this->start(this->query("eager"));
  this->run_for(std::chrono::milliseconds(100));
  const auto queried = this->must(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
  EXPECT_TRUE(queried.has_eager_workflow_task());
  EXPECT_EQ(queried.eager_workflow_task().queries_size(), 0) << "a query waits for the next task";
  this->complete(task.task_token(), {this->complete_workflow()});
  EXPECT_EQ(this->events_of("eager"), this->words({kFirstTask, "WorkflowExecutionCompleted"}));
  auto delayed = this->start_request("delayed");
  delayed.set_request_eager_execution(true);
  *delayed.mutable_workflow_start_delay() = this->span(std::chrono::hours(1));
  EXPECT_FALSE(this->get(this->temporal().start_workflow_execution(delayed, this->in(this->kLong)))
                   .value_or(wf::StartWorkflowExecutionResponse())
                   .has_eager_workflow_task());
}

TYPED_TEST_P(TemporalVisibility, GivesAnEagerWorkerItsActivities) {
  this->start_workflow("eager activities");
  std::vector<Command> commands;
  for (int i = 0; i < 5; ++i) {
    commands.push_back(this->schedule_activity(concat(i)));
    this->activity_of(commands.back()).set_request_eager_execution(i < 2);
    if (i == 1) *this->activity_of(commands.back()).mutable_input() = this->text(std::string(50'000, 'x'));
  }
  const auto done = this->complete(this->next_task().task_token(), std::move(commands));
  for (const auto& activity : done.activity_tasks()) {
    if (activity.activity_id() == "1") EXPECT_GT(activity.input().payloads(0).data().size(), 50'000u);
    EXPECT_TRUE(this->complete_activity(activity.task_token()).ok());
  }
  for (int i = done.activity_tasks_size(); i < 5; ++i) {
    EXPECT_TRUE(this->complete_activity(this->next_activity().task_token()).ok());
  }
  this->complete(this->next_task().task_token(), {this->complete_workflow()});
}

TYPED_TEST_P(TemporalVisibility, GivesActivitiesLargeInputsAlsoAfterARestart) {
  this->start_workflow("inputs");
  std::vector<Command> commands = {this->schedule_activity("1"), this->schedule_activity("2")};
  for (Command& command : commands) *this->activity_of(command).mutable_input() = this->text(std::string(1'000'000, 'x'));
  this->complete(this->next_task().task_token(), std::move(commands));
  const auto before = this->next_activity();
  EXPECT_EQ(before.input().payloads(0).data().size(), 1'000'002u);
  this->world_.restart();
  const auto behind = this->next_activity();
  EXPECT_EQ(behind.input().payloads(0).data().size(), 1'000'002u);
  EXPECT_TRUE(this->complete_activity(before.task_token()).ok());
  EXPECT_TRUE(this->complete_activity(behind.task_token()).ok());
}

TYPED_TEST_P(TemporalVisibility, ReadsAHistoryFromItsEnd) {
  this->start_workflow("backwards");
  std::vector<Command> commands;
  for (int i = 0; i < 5; ++i) commands.push_back(this->start_timer(concat(i), std::chrono::hours(1)));
  this->complete(this->next_task().task_token(), std::move(commands));
  auto forwards = this->history("backwards");
  wf::GetWorkflowExecutionHistoryReverseRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id("backwards");
  request.set_maximum_page_size(4);
  std::vector<std::int64_t> ids;
  for (;;) {
    const auto page = this->must(this->temporal().get_workflow_execution_history_reverse(request, this->in(this->kLong)));
    for (const HistoryEvent& event : page.history().events()) ids.push_back(event.event_id());
    if (page.next_page_token().empty()) break;
    EXPECT_LE(page.history().events_size(), 4);
    request.set_next_page_token(page.next_page_token());
    ASSERT_LT(ids.size(), 100u);
  }
  ASSERT_EQ(ids.size(), forwards.size());
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], forwards[forwards.size() - 1 - i].event_id());
}

REGISTER_TYPED_TEST_SUITE_P(TemporalVisibility, FindsWorkflowsByWhatIsKnownOfThem, ListsInPagesAndCounts,
                            RefusesQueriesThatItCannotRead, ListsAfterARestartWhatItListedBefore,
                            DeletesWhatIsClosedAndWhatRuns, TellsTheParentOfAChildThatIsDeleted, KnowsWhoPollsAndWhatWaits,
                            AnswersForActivitiesByTheirIds, GivesAnEagerClientTheFirstTask, GivesAnEagerWorkerItsActivities,
                            GivesActivitiesLargeInputsAlsoAfterARestart, ReadsAHistoryFromItsEnd);

}  // namespace reliant::tests

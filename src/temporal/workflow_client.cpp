#include "temporal/workflow_client.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <utility>

#include "temporal/failure.h"
#include "temporal/payload.h"

namespace reliant::temporal {
namespace {

namespace wf = ports::wf;
namespace enums = ::temporal::api::enums::v1;
using ::google::protobuf::util::TimeUtil;

std::optional<WallTime> waiting_since(const wf::DescribeWorkflowExecutionResponse& response) {
  std::optional<WallTime> oldest;
  const auto waits = [&oldest](const google::protobuf::Timestamp& scheduled) {
    const WallTime since(Duration(TimeUtil::TimestampToNanoseconds(scheduled)));
    oldest = oldest ? std::min(*oldest, since) : since;
  };
  if (response.has_pending_workflow_task()) {
    const auto& task = response.pending_workflow_task();
    if (task.state() == enums::PENDING_WORKFLOW_TASK_STATE_STARTED) return std::nullopt;
    waits(task.scheduled_time());
  }
  for (const auto& activity : response.pending_activities()) {
    if (activity.state() != enums::PENDING_ACTIVITY_STATE_SCHEDULED) return std::nullopt;
    if (!activity.has_next_attempt_schedule_time()) waits(activity.scheduled_time());
  }
  return oldest;
}

enums::WorkflowIdConflictPolicy conflict_policy(WhenRunning when) {
  switch (when) {
    case WhenRunning::kFail:
      return enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL;
    case WhenRunning::kUseExisting:
      return enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING;
    case WhenRunning::kTerminateExisting:
      return enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING;
  }
  RELIANT_UNREACHABLE("every WhenRunning has a policy");
}

enums::WorkflowIdReusePolicy reuse_policy(WhenClosed when) {
  switch (when) {
    case WhenClosed::kStartAgain:
      return enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE;
    case WhenClosed::kStartAgainIfFailed:
      return enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY;
    case WhenClosed::kReject:
      return enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE;
  }
  RELIANT_UNREACHABLE("every WhenClosed has a policy");
}

WorkflowStatus status_of(enums::WorkflowExecutionStatus status) {
  switch (status) {
    case enums::WORKFLOW_EXECUTION_STATUS_RUNNING:
      return WorkflowStatus::kRunning;
    case enums::WORKFLOW_EXECUTION_STATUS_COMPLETED:
      return WorkflowStatus::kCompleted;
    case enums::WORKFLOW_EXECUTION_STATUS_FAILED:
      return WorkflowStatus::kFailed;
    case enums::WORKFLOW_EXECUTION_STATUS_CANCELED:
      return WorkflowStatus::kCancelled;
    case enums::WORKFLOW_EXECUTION_STATUS_TERMINATED:
      return WorkflowStatus::kTerminated;
    case enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
      return WorkflowStatus::kContinuedAsNew;
    case enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
      return WorkflowStatus::kTimedOut;
    default:
      return WorkflowStatus::kUnknown;
  }
}

// What the two ways of starting have in common.
template <class Request>
void fill_start(Request& request, const StartWorkflow& start, const WorkflowClientOptions& options) {
  request.set_namespace_(options.name_space);
  request.set_identity(options.identity);
  request.set_workflow_id(start.workflow_id);
  request.mutable_workflow_type()->set_name(start.type);
  request.mutable_task_queue()->set_name(start.task_queue);
  request.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  *request.mutable_input() = json_payloads(start.input);
  if (start.run_timeout > Duration::zero())
    *request.mutable_workflow_run_timeout() = TimeUtil::NanosecondsToDuration(start.run_timeout.count());
  if (start.task_timeout > Duration::zero())
    *request.mutable_workflow_task_timeout() = TimeUtil::NanosecondsToDuration(start.task_timeout.count());
  request.set_workflow_id_reuse_policy(reuse_policy(start.when_closed));
}

void fill_execution(::temporal::api::common::v1::WorkflowExecution& execution, const std::string& workflow_id,
                    const std::string& run_id) {
  execution.set_workflow_id(workflow_id);
  execution.set_run_id(run_id);
}

// How a run ended: its result, or the id of the run that goes on for it.
struct Ending {
  Result<std::string> result;
  std::string next_run;
};

Ending ending_of(const ::temporal::api::history::v1::HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: {
      const auto& attributes = event.workflow_execution_completed_event_attributes();
      return Ending{json_text(attributes.result()), attributes.new_execution_run_id()};
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: {
      const auto& attributes = event.workflow_execution_failed_event_attributes();
      return Ending{status_from(attributes.failure()), attributes.new_execution_run_id()};
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      return Ending{deadline_exceeded("the workflow timed out"),
                    event.workflow_execution_timed_out_event_attributes().new_execution_run_id()};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      return Ending{std::string(), event.workflow_execution_continued_as_new_event_attributes().new_execution_run_id()};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return Ending{cancelled("the workflow was cancelled"), ""};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      return Ending{aborted("the workflow was terminated: ", event.workflow_execution_terminated_event_attributes().reason()),
                    ""};
    default:
      return Ending{internal_error("the last event of the history is no end of a workflow"), ""};
  }
}

}  // namespace

std::string_view to_string(WorkflowStatus status) {
  switch (status) {
    case WorkflowStatus::kUnknown:
      return "unknown";
    case WorkflowStatus::kRunning:
      return "running";
    case WorkflowStatus::kCompleted:
      return "completed";
    case WorkflowStatus::kFailed:
      return "failed";
    case WorkflowStatus::kCancelled:
      return "cancelled";
    case WorkflowStatus::kTerminated:
      return "terminated";
    case WorkflowStatus::kContinuedAsNew:
      return "continued_as_new";
    case WorkflowStatus::kTimedOut:
      return "timed_out";
  }
  RELIANT_UNREACHABLE("every WorkflowStatus has a name");
}

WorkflowClient::WorkflowClient(ports::Temporal& temporal, const Clock& clock, Random random, WorkflowClientOptions options)
    : clock_(clock),
      random_(random),
      caller_(temporal, clock, Random(random_.next()), kCallRetries),
      options_(std::move(options)) {}

std::string WorkflowClient::request_id(std::string given) { return given.empty() ? random_.hex(32) : std::move(given); }

Task<Result<StartedWorkflow>> WorkflowClient::start(StartWorkflow start, Instant deadline) {
  wf::StartWorkflowExecutionRequest request;
  fill_start(request, start, options_);
  request.set_request_id(request_id(std::move(start.request_id)));
  request.set_workflow_id_conflict_policy(conflict_policy(start.when_running));
  auto response = co_await caller_.call(&ports::Temporal::start_workflow_execution, std::move(request), deadline);
  if (!response.ok()) co_return response.status();
  co_return StartedWorkflow{response->run_id(), response->started()};
}

Task<Result<StartedWorkflow>> WorkflowClient::signal_with_start(StartWorkflow start, SignalWorkflow signal, Instant deadline) {
  wf::SignalWithStartWorkflowExecutionRequest request;
  fill_start(request, start, options_);
  // One id serves both halves: the server remembers it as the run's, or as the signal's.
  request.set_request_id(request_id(std::move(signal.request_id)));
  request.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING);
  request.set_signal_name(signal.name);
  *request.mutable_signal_input() = json_payloads(signal.input);
  auto response = co_await caller_.call(&ports::Temporal::signal_with_start_workflow_execution, std::move(request), deadline);
  if (!response.ok()) co_return response.status();
  co_return StartedWorkflow{response->run_id(), response->started()};
}

Task<Status> WorkflowClient::signal(std::string workflow_id, std::string run_id, SignalWorkflow signal, Instant deadline) {
  wf::SignalWorkflowExecutionRequest request;
  request.set_namespace_(options_.name_space);
  request.set_identity(options_.identity);
  fill_execution(*request.mutable_workflow_execution(), workflow_id, run_id);
  request.set_request_id(request_id(std::move(signal.request_id)));
  request.set_signal_name(signal.name);
  *request.mutable_input() = json_payloads(signal.input);
  auto response = co_await caller_.call(&ports::Temporal::signal_workflow_execution, std::move(request), deadline);
  co_return response.status();
}

Task<Status> WorkflowClient::cancel(std::string workflow_id, std::string run_id, std::string reason, Instant deadline) {
  wf::RequestCancelWorkflowExecutionRequest request;
  request.set_namespace_(options_.name_space);
  request.set_identity(options_.identity);
  fill_execution(*request.mutable_workflow_execution(), workflow_id, run_id);
  request.set_request_id(request_id(""));
  request.set_reason(reason);
  auto response = co_await caller_.call(&ports::Temporal::request_cancel_workflow_execution, std::move(request), deadline);
  co_return response.status();
}

Task<Status> WorkflowClient::terminate(std::string workflow_id, std::string run_id, std::string reason, Instant deadline) {
  wf::TerminateWorkflowExecutionRequest request;
  request.set_namespace_(options_.name_space);
  request.set_identity(options_.identity);
  fill_execution(*request.mutable_workflow_execution(), workflow_id, run_id);
  request.set_reason(reason);
  auto response = co_await caller_.call(&ports::Temporal::terminate_workflow_execution, std::move(request), deadline);
  co_return response.status();
}

Task<Result<std::string>> WorkflowClient::query(std::string workflow_id, std::string run_id, std::string name,
                                                std::string arguments, Instant deadline) {
  wf::QueryWorkflowRequest request;
  request.set_namespace_(options_.name_space);
  fill_execution(*request.mutable_execution(), workflow_id, run_id);
  request.mutable_query()->set_query_type(name);
  *request.mutable_query()->mutable_query_args() = json_payloads(arguments);
  auto response = co_await caller_.call(&ports::Temporal::query_workflow, std::move(request), deadline);
  if (!response.ok()) co_return response.status();
  if (response->has_query_rejected()) co_return failed_precondition("the query was rejected");
  co_return json_text(response->query_result());
}

Task<Result<WorkflowDescription>> WorkflowClient::describe(std::string workflow_id, std::string run_id, Instant deadline) {
  wf::DescribeWorkflowExecutionRequest request;
  request.set_namespace_(options_.name_space);
  fill_execution(*request.mutable_execution(), workflow_id, run_id);
  auto response = co_await caller_.call(&ports::Temporal::describe_workflow_execution, std::move(request), deadline);
  if (!response.ok()) co_return response.status();
  const auto& info = response->workflow_execution_info();
  WorkflowDescription description;
  description.run_id = info.execution().run_id();
  description.type = info.type().name();
  description.status = status_of(info.status());
  description.history_length = info.history_length();
  for (const auto& pending : response->pending_activities()) {
    PendingActivity activity;
    activity.activity_id = pending.activity_id();
    activity.type = pending.activity_type().name();
    activity.attempt = pending.attempt();
    activity.last_failure = pending.last_failure().message();
    description.pending_activities.push_back(std::move(activity));
  }
  description.waiting_since = waiting_since(*response);
  co_return description;
}

Task<Result<std::string>> WorkflowClient::result(std::string workflow_id, std::string run_id, Instant deadline) {
  wf::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(options_.name_space);
  fill_execution(*request.mutable_execution(), workflow_id, run_id);
  request.set_wait_new_event(true);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  while (clock_.now() < deadline) {
    auto response = co_await caller_.call(&ports::Temporal::get_workflow_execution_history, request, deadline);
    // A long poll that was cut short, or a server that is away: the workflow goes on, and so does the
    // waiting.
    const StatusCode code = response.status().code();
    if (code == StatusCode::kDeadlineExceeded || may_repeat(response.status())) {
      co_await sleep_until(std::min(deadline, after(clock_.now(), std::chrono::seconds(1))));
      continue;
    }
    if (!response.ok()) co_return response.status();
    request.set_next_page_token(response->next_page_token());
    if (response->history().events().empty()) continue;
    const auto& events = response->history().events();
    Ending ending = ending_of(events[events.size() - 1]);
    if (ending.next_run.empty()) co_return std::move(ending.result);
    request.mutable_execution()->set_run_id(ending.next_run);
    request.clear_next_page_token();
  }
  co_return deadline_exceeded("workflow ", workflow_id, " had not ended by the deadline");
}

}  // namespace reliant::temporal

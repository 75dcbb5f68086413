#include "temporal/engine/description.h"

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

void describe(const pb::Activity& activity, api::workflow::v1::PendingActivityInfo& info) {
  const auto& scheduled = activity.scheduled();
  info.set_activity_id(scheduled.activity_id());
  *info.mutable_activity_type() = scheduled.activity_type();
  if (activity.cancel_requested_event_id() != 0) {
    info.set_state(enums::PENDING_ACTIVITY_STATE_CANCEL_REQUESTED);
  } else {
    info.set_state(activity.state() == pb::Activity::STARTED ? enums::PENDING_ACTIVITY_STATE_STARTED
                                                             : enums::PENDING_ACTIVITY_STATE_SCHEDULED);
  }
  if (activity.has_heartbeat_details()) *info.mutable_heartbeat_details() = activity.heartbeat_details();
  if (activity.last_heartbeat_time() > 0) {
    *info.mutable_last_heartbeat_time() = to_timestamp(activity.last_heartbeat_time());
  }
  if (activity.started_time() > 0) *info.mutable_last_started_time() = to_timestamp(activity.started_time());
  info.set_attempt(activity.attempt());
  info.set_maximum_attempts(scheduled.retry_policy().maximum_attempts());
  *info.mutable_scheduled_time() = to_timestamp(activity.attempt_scheduled_time());
  if (const std::int64_t limit = nanos(scheduled.schedule_to_close_timeout()); limit > 0) {
    *info.mutable_expiration_time() = to_timestamp(activity.first_scheduled_time() + limit);
  }
  if (activity.has_last_failure()) *info.mutable_last_failure() = activity.last_failure();
  info.set_last_worker_identity(activity.last_worker_identity());
  if (activity.last_attempt_complete_time() > 0) {
    *info.mutable_last_attempt_complete_time() = to_timestamp(activity.last_attempt_complete_time());
  }
  if (activity.state() == pb::Activity::BACKING_OFF) {
    *info.mutable_next_attempt_schedule_time() = to_timestamp(activity.attempt_scheduled_time());
  }
}

void describe_extended(const pb::RunState& state, api::workflow::v1::WorkflowExecutionExtendedInfo& info) {
  if (state.execution_expiration() > 0) {
    *info.mutable_execution_expiration_time() = to_timestamp(state.execution_expiration());
  }
  if (state.run_expiration() > 0) *info.mutable_run_expiration_time() = to_timestamp(state.run_expiration());
  info.set_cancel_requested(state.cancel_requested());
}

void describe_task(const pb::WorkflowTask& task, api::workflow::v1::PendingWorkflowTaskInfo& info) {
  const bool started = task.state() == pb::WorkflowTask::STARTED;
  info.set_state(started ? enums::PENDING_WORKFLOW_TASK_STATE_STARTED : enums::PENDING_WORKFLOW_TASK_STATE_SCHEDULED);
  *info.mutable_scheduled_time() = to_timestamp(task.scheduled_time());
  *info.mutable_original_scheduled_time() = to_timestamp(task.scheduled_time());
  if (started) *info.mutable_started_time() = to_timestamp(task.started_time());
  info.set_attempt(task.attempt());
}

}  // namespace

void describe(const Run& run, api::workflow::v1::WorkflowExecutionInfo& info) {
  const pb::RunState& state = run.state();
  info.mutable_execution()->set_workflow_id(state.workflow_id());
  info.mutable_execution()->set_run_id(state.run_id());
  *info.mutable_type() = run.started().workflow_type();
  *info.mutable_start_time() = to_timestamp(state.start_time());
  *info.mutable_execution_time() = to_timestamp(state.start_time() + nanos(run.started().first_workflow_task_backoff()));
  if (!run.running()) {
    *info.mutable_close_time() = to_timestamp(state.close_time());
    *info.mutable_execution_duration() = to_duration(state.close_time() - state.start_time());
  }
  info.set_status(state.status());
  info.set_history_length(state.next_event_id() - 1);
  info.set_history_size_bytes(state.history_bytes());
  info.set_state_transition_count(state.version());
  info.set_task_queue(run.started().task_queue().name());
  if (state.has_memo()) *info.mutable_memo() = state.memo();
  if (state.has_search_attributes()) *info.mutable_search_attributes() = state.search_attributes();
  *info.mutable_root_execution() = run.started().root_workflow_execution();
  if (run.started().has_parent_workflow_execution()) {
    *info.mutable_parent_execution() = run.started().parent_workflow_execution();
    info.set_parent_namespace_id(run.started().parent_workflow_namespace_id());
  }
  info.set_first_run_id(state.first_run_id());
}

wf::DescribeWorkflowExecutionResponse describe(const Run& run) {
  const pb::RunState& state = run.state();
  wf::DescribeWorkflowExecutionResponse response;
  auto& config = *response.mutable_execution_config();
  *config.mutable_task_queue() = run.started().task_queue();
  *config.mutable_workflow_execution_timeout() = run.started().workflow_execution_timeout();
  *config.mutable_workflow_run_timeout() = run.started().workflow_run_timeout();
  *config.mutable_default_workflow_task_timeout() = run.started().workflow_task_timeout();
  if (state.has_user_metadata()) *config.mutable_user_metadata() = state.user_metadata();
  describe(run, *response.mutable_workflow_execution_info());
  describe_extended(state, *response.mutable_workflow_extended_info());
  for (const pb::Activity& activity : state.activities()) describe(activity, *response.add_pending_activities());
  for (const pb::Child& child : state.children()) {
    auto& pending = *response.add_pending_children();
    pending.set_workflow_id(child.workflow_id());
    pending.set_run_id(child.run_id());
    pending.set_workflow_type_name(child.workflow_type());
    pending.set_initiated_id(child.initiated_event_id());
    pending.set_parent_close_policy(child.parent_close_policy());
  }
  if (state.task().state() != pb::WorkflowTask::NONE) {
    describe_task(state.task(), *response.mutable_pending_workflow_task());
  }
  return response;
}

}  // namespace reliant::temporal::engine

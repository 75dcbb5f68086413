// The workflow that the benches of Temporal servers run: one activity that does nothing, then its end.
#pragma once

#include <string>

#include "ports/temporal.h"

namespace reliant::tests {

// What its worker answers to a task of it; the activity is for the same queue.
inline ports::wf::RespondWorkflowTaskCompletedRequest decide_noop(const ports::wf::PollWorkflowTaskQueueResponse& task,
                                                                  const std::string& queue) {
  namespace enums = ::temporal::api::enums::v1;
  ports::wf::RespondWorkflowTaskCompletedRequest request;
  request.set_namespace_("default");
  request.set_task_token(task.task_token());
  auto& command = *request.add_commands();
  if (task.previous_started_event_id() != 0) {
    command.set_command_type(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
    command.mutable_complete_workflow_execution_command_attributes();
    return request;
  }
  command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
  auto& activity = *command.mutable_schedule_activity_task_command_attributes();
  activity.set_activity_id("1");
  activity.mutable_activity_type()->set_name("noop");
  activity.mutable_task_queue()->set_name(queue);
  activity.mutable_start_to_close_timeout()->set_seconds(10);
  return request;
}

}  // namespace reliant::tests

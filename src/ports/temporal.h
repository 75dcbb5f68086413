// Temporal: the part of temporal.api.workflowservice.v1.WorkflowService that a worker and a client need (C37), with the
// upstream messages. An external cluster over gRPC and the embedded engine implement the same interface.
//
// Owner: the composition root. Executor: the logic thread. Every call takes a deadline; a long poll answers with an empty
// message when its deadline is near (at most 60 s). Errors are those of the real server; what its error details carry is
// in the status's message and reason. Unary calls may be repeated after UNAVAILABLE: requests carry a request_id.
#pragma once

#include <temporal/api/workflowservice/v1/request_response.pb.h>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

namespace wf = ::temporal::api::workflowservice::v1;

class Temporal {
 public:
  virtual ~Temporal() = default;

// One line a method of the service: Task<Result<wf::XResponse>> x(wf::XRequest, Instant deadline).
#define RELIANT_TEMPORAL_METHODS(M)                                             \
  M(get_system_info, GetSystemInfo)                                             \
  M(describe_namespace, DescribeNamespace)                                      \
  M(start_workflow_execution, StartWorkflowExecution)                           \
  M(signal_workflow_execution, SignalWorkflowExecution)                         \
  M(signal_with_start_workflow_execution, SignalWithStartWorkflowExecution)     \
  M(request_cancel_workflow_execution, RequestCancelWorkflowExecution)          \
  M(terminate_workflow_execution, TerminateWorkflowExecution)                   \
  M(query_workflow, QueryWorkflow)                                              \
  M(describe_workflow_execution, DescribeWorkflowExecution)                     \
  M(get_workflow_execution_history, GetWorkflowExecutionHistory)                \
  M(poll_workflow_task_queue, PollWorkflowTaskQueue)                            \
  M(respond_workflow_task_completed, RespondWorkflowTaskCompleted)              \
  M(respond_workflow_task_failed, RespondWorkflowTaskFailed)                    \
  M(respond_query_task_completed, RespondQueryTaskCompleted)                    \
  M(poll_activity_task_queue, PollActivityTaskQueue)                            \
  M(record_activity_task_heartbeat, RecordActivityTaskHeartbeat)                \
  M(respond_activity_task_completed, RespondActivityTaskCompleted)              \
  M(respond_activity_task_failed, RespondActivityTaskFailed)                    \
  M(respond_activity_task_canceled, RespondActivityTaskCanceled)                \
  M(record_activity_task_heartbeat_by_id, RecordActivityTaskHeartbeatById)      \
  M(respond_activity_task_completed_by_id, RespondActivityTaskCompletedById)    \
  M(respond_activity_task_failed_by_id, RespondActivityTaskFailedById)          \
  M(respond_activity_task_canceled_by_id, RespondActivityTaskCanceledById)      \
  M(get_workflow_execution_history_reverse, GetWorkflowExecutionHistoryReverse) \
  M(list_workflow_executions, ListWorkflowExecutions)                           \
  M(scan_workflow_executions, ScanWorkflowExecutions)                           \
  M(list_open_workflow_executions, ListOpenWorkflowExecutions)                  \
  M(list_closed_workflow_executions, ListClosedWorkflowExecutions)              \
  M(count_workflow_executions, CountWorkflowExecutions)                         \
  M(delete_workflow_execution, DeleteWorkflowExecution)                         \
  M(describe_task_queue, DescribeTaskQueue)                                     \
  M(reset_sticky_task_queue, ResetStickyTaskQueue)                              \
  M(shutdown_worker, ShutdownWorker)

#define RELIANT_TEMPORAL_DECLARE(name, Name) \
  virtual Task<Result<wf::Name##Response>> name(wf::Name##Request request, Instant deadline) = 0;
  RELIANT_TEMPORAL_METHODS(RELIANT_TEMPORAL_DECLARE)
#undef RELIANT_TEMPORAL_DECLARE
};

}  // namespace reliant::ports

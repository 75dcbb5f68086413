// What clients do to workflows: start, signal, cancel, terminate; and what they ask about the server.
#include <temporal/api/errordetails/v1/message.pb.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "temporal/engine/engine_impl.h"
#include "temporal/engine/limits.h"

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

Status check_start(const wf::StartWorkflowExecutionRequest& request) {
  if (request.workflow_id().empty()) return invalid_field("workflow_id", "WorkflowId is not set on request.");
  if (request.workflow_type().name().empty()) return invalid_field("workflow_type", "WorkflowType is not set on request.");
  if (request.task_queue().name().empty()) return invalid_field("task_queue", "TaskQueue is not set on request.");
  if (!request.cron_schedule().empty()) {
    return invalid_field("cron_schedule", "The embedded engine does not support cron schedules; start it without one.");
  }
  if (nanos(request.workflow_execution_timeout()) < 0 || nanos(request.workflow_run_timeout()) < 0 ||
      nanos(request.workflow_task_timeout()) < 0) {
    return invalid_field("workflow_run_timeout", "A timeout of the request is negative; leave it out or make it positive.");
  }
  TRY_OK(check_length("WorkflowId", request.workflow_id()));
  TRY_OK(check_length("WorkflowType", request.workflow_type().name()));
  TRY_OK(check_length("TaskQueue", request.task_queue().name()));
  TRY_OK(check_length("RequestId", request.request_id()));
  TRY_OK(check_blob(request.input()));
  TRY_OK(check_memo(request.memo()));
  return check_search_attributes(request.search_attributes());
}

Status check_signal(const wf::SignalWorkflowExecutionRequest& request) {
  if (request.signal_name().empty()) return invalid_field("signal_name", "SignalName is not set on request.");
  TRY_OK(check_length("SignalName", request.signal_name()));
  TRY_OK(check_length("RequestId", request.request_id()));
  return check_blob(request.input());
}

Status already_started(const Run& run, std::string_view message) {
  api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure detail;
  detail.set_start_request_id(run.state().start_request_id());
  detail.set_run_id(run.run_id());
  detail.set_first_execution_run_id(run.state().first_run_id());
  return with_reason(
      with_detail(already_exists(message, " WorkflowId: ", run.state().workflow_id(), ", RunId: ", run.run_id(), "."), detail),
      "WORKFLOW_ALREADY_STARTED");
}

enums::WorkflowIdConflictPolicy conflict_policy(const wf::StartWorkflowExecutionRequest& request, bool signalling) {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"  // older clients still send it
  if (request.workflow_id_reuse_policy() == enums::WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING) {
    return enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING;
  }
#pragma clang diagnostic pop
  if (request.workflow_id_conflict_policy() != enums::WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED) {
    return request.workflow_id_conflict_policy();
  }
  return signalling ? enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING : enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL;
}

// Policies that contradict each other.
Status check_policies(const wf::StartWorkflowExecutionRequest& request, bool signalling) {
  const auto conflict = request.workflow_id_conflict_policy();
  const auto reuse = request.workflow_id_reuse_policy();
  if (signalling && conflict == enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL) {
    return invalid_field("workflow_id_conflict_policy",
                         "A signal with start cannot fail because of a running workflow; "
                         "choose another WorkflowIdConflictPolicy.");
  }
  if (conflict == enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING &&
      reuse == enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE) {
    return invalid_field("workflow_id_reuse_policy",
                         "WorkflowIdReusePolicy REJECT_DUPLICATE contradicts "
                         "WorkflowIdConflictPolicy TERMINATE_EXISTING; choose one of them.");
  }
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"  // older clients still send it
  if (conflict != enums::WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED &&
      reuse == enums::WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING) {
    return invalid_field("workflow_id_reuse_policy",
                         "WorkflowIdReusePolicy TERMINATE_IF_RUNNING goes without a "
                         "WorkflowIdConflictPolicy; leave one of them out.");
  }
#pragma clang diagnostic pop
  return ok_status();
}

// Whether a workflow id may be used again after `closed`.
Status check_reuse(const Run& closed, enums::WorkflowIdReusePolicy policy) {
  if (policy == enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE) {
    return already_started(closed,
                           "Workflow execution already finished. Workflow Id reuse policy: reject duplicate "
                           "workflow Id.");
  }
  if (policy != enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY) return ok_status();
  if (closed.state().status() != enums::WORKFLOW_EXECUTION_STATUS_COMPLETED) return ok_status();
  return already_started(closed,
                         "Workflow execution already finished successfully. Workflow Id reuse policy: allow "
                         "duplicate workflow Id if last run failed.");
}

bool is_repetition(const Run& run, const std::string& request_id) {
  if (request_id.empty()) return false;
  const auto& signals = run.state().signal_request_ids();
  return run.state().start_request_id() == request_id || std::ranges::find(signals, request_id) != signals.end();
}

wf::StartWorkflowExecutionResponse start_response(const Run& run, bool started) {
  wf::StartWorkflowExecutionResponse response;
  response.set_run_id(run.run_id());
  response.set_first_execution_run_id(run.state().first_run_id());
  response.set_started(started);
  response.set_status(run.state().status());
  return response;
}

Status check_chain(const Run& run, const std::string& first_run_id) {
  if (first_run_id.empty() || first_run_id == run.state().first_run_id()) return ok_status();
  return not_found("workflow not found for ID: ", run.state().workflow_id(), " in the chain of run ", first_run_id);
}

}  // namespace

Task<Result<wf::StartWorkflowExecutionResponse>> Engine::Impl::start_run(
    wf::StartWorkflowExecutionRequest request, std::optional<wf::SignalWorkflowExecutionRequest> signal,
    std::optional<Run::Parent> parent, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_OK(check_start(request));
  CO_TRY_OK(check_policies(request, signal.has_value()));
  note_large_payload("input", request.workflow_id(), request.input());
  CO_TRY_ASSIGN(Session session, co_await open_current(request.namespace_(), request.workflow_id(), deadline));
  const std::shared_ptr<Run> existing = session.run;
  bool run_changed = false;
  if (existing != nullptr) {
    if (is_repetition(*existing, request.request_id())) {
      // The answer to the first one may have been lost, and with it the first workflow task.
      const auto& task = existing->state().task();
      const bool eager = request.request_eager_execution() && existing->started().eager_execution_accepted() &&
                         task.state() == pb::WorkflowTask::STARTED && task.attempt() == 1 &&
                         existing->state().previous_started_event_id() == 0;
      auto response = start_response(*existing, !signal);
      if (eager) co_await add_first_task(snapshot(existing, false), response, deadline);
      co_return response;
    }
    const auto policy = conflict_policy(request, signal.has_value());
    if (!existing->running()) {
      CO_TRY_OK(check_reuse(*existing, request.workflow_id_reuse_policy()));
    } else if (policy == enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL) {
      co_return already_started(*existing, "Workflow execution is already running.");
    } else if (policy == enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING) {
      const auto response = start_response(*existing, false);
      if (!signal) co_return response;
      begin(session);
      CO_TRY_OK(existing->signal(*signal, true));
      const Reply reply = submit(std::move(session));
      CO_TRY_OK(co_await wait(reply, deadline));
      co_return response;
    } else {
      run_changed = true;
    }
  }
  const std::shared_ptr<Run> fresh = Run::create(request, now(), random_, parent ? &*parent : nullptr);
  if (run_changed) {
    begin(session);
    const auto details = text_payloads(concat("terminated by new runID: ", fresh->run_id()));
    CO_TRY_OK(existing->terminate("TerminateIfRunning WorkflowIdReusePolicy", &details, "history-service"));
  }
  if (signal) CO_TRY_OK(fresh->signal(*signal));
  const bool eager = fresh->started().eager_execution_accepted();
  if (eager) fresh->start_first_task(request.identity(), request.request_id());
  std::optional<TaskSnapshot> task;
  if (eager) task = snapshot(fresh, false);
  auto response = start_response(*fresh, true);
  const Reply reply = submit(std::move(session), fresh, run_changed);
  CO_TRY_OK(co_await wait(reply, deadline));
  if (task) co_await add_first_task(*std::move(task), response, deadline);
  co_return response;
}

// A task that cannot be read now is not given: it times out, and is handed to a poller.
Task<void> Engine::Impl::add_first_task(TaskSnapshot task, wf::StartWorkflowExecutionResponse& response, Instant deadline) {
  auto given = co_await respond(std::move(task), deadline);
  if (given.ok()) *response.mutable_eager_workflow_task() = *std::move(given);
}

Task<Result<wf::StartWorkflowExecutionResponse>> Engine::Impl::start_workflow_execution(
    wf::StartWorkflowExecutionRequest request, Instant deadline) {
  return start_run(std::move(request), std::nullopt, std::nullopt, deadline);
}

Task<Result<wf::SignalWithStartWorkflowExecutionResponse>> Engine::Impl::signal_with_start_workflow_execution(
    wf::SignalWithStartWorkflowExecutionRequest request, Instant deadline) {
  wf::StartWorkflowExecutionRequest start;
  start.set_namespace_(request.namespace_());
  start.set_workflow_id(request.workflow_id());
  *start.mutable_workflow_type() = request.workflow_type();
  *start.mutable_task_queue() = request.task_queue();
  if (request.has_input()) *start.mutable_input() = request.input();
  *start.mutable_workflow_execution_timeout() = request.workflow_execution_timeout();
  *start.mutable_workflow_run_timeout() = request.workflow_run_timeout();
  *start.mutable_workflow_task_timeout() = request.workflow_task_timeout();
  start.set_identity(request.identity());
  start.set_request_id(request.request_id());
  start.set_workflow_id_reuse_policy(request.workflow_id_reuse_policy());
  start.set_workflow_id_conflict_policy(request.workflow_id_conflict_policy());
  if (request.has_retry_policy()) *start.mutable_retry_policy() = request.retry_policy();
  start.set_cron_schedule(request.cron_schedule());
  if (request.has_memo()) *start.mutable_memo() = request.memo();
  if (request.has_search_attributes()) *start.mutable_search_attributes() = request.search_attributes();
  if (request.has_header()) *start.mutable_header() = request.header();
  *start.mutable_workflow_start_delay() = request.workflow_start_delay();
  if (request.has_user_metadata()) *start.mutable_user_metadata() = request.user_metadata();
  if (request.has_priority()) *start.mutable_priority() = request.priority();

  wf::SignalWorkflowExecutionRequest signal;
  signal.set_signal_name(request.signal_name());
  if (request.has_signal_input()) *signal.mutable_input() = request.signal_input();
  signal.set_identity(request.identity());
  signal.set_request_id(request.request_id());
  if (request.has_header()) *signal.mutable_header() = request.header();
  *signal.mutable_links() = request.links();
  CO_TRY_OK(check_signal(signal));
  note_large_payload("signal input", request.workflow_id(), request.signal_input());
  CO_TRY_ASSIGN(const auto started, co_await start_run(std::move(start), std::move(signal), std::nullopt, deadline));
  wf::SignalWithStartWorkflowExecutionResponse response;
  response.set_run_id(started.run_id());
  response.set_started(started.started());
  response.set_first_execution_run_id(started.first_execution_run_id());
  co_return response;
}

Task<Result<wf::SignalWorkflowExecutionResponse>> Engine::Impl::signal_workflow_execution(
    wf::SignalWorkflowExecutionRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_OK(check_signal(request));
  note_large_payload("signal input", request.workflow_execution().workflow_id(), request.input());
  CO_TRY_ASSIGN(Session session, co_await open(request.namespace_(), request.workflow_execution().workflow_id(),
                                               request.workflow_execution().run_id(), deadline));
  if (is_repetition(*session.run, request.request_id())) co_return wf::SignalWorkflowExecutionResponse();
  if (!session.run->running()) co_return not_found("workflow execution already completed");
  begin(session);
  CO_TRY_OK(session.run->signal(request));
  const Reply reply = submit(std::move(session));
  CO_TRY_OK(co_await wait(reply, deadline));
  co_return wf::SignalWorkflowExecutionResponse();
}

Task<Result<wf::RequestCancelWorkflowExecutionResponse>> Engine::Impl::request_cancel_workflow_execution(
    wf::RequestCancelWorkflowExecutionRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_ASSIGN(Session session, co_await open(request.namespace_(), request.workflow_execution().workflow_id(),
                                               request.workflow_execution().run_id(), deadline));
  CO_TRY_OK(check_chain(*session.run, request.first_execution_run_id()));
  begin(session);
  if (session.run->request_cancel(request)) {
    const Reply reply = submit(std::move(session));
    CO_TRY_OK(co_await wait(reply, deadline));
  }
  co_return wf::RequestCancelWorkflowExecutionResponse();
}

Task<Result<wf::TerminateWorkflowExecutionResponse>> Engine::Impl::terminate_workflow_execution(
    wf::TerminateWorkflowExecutionRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_ASSIGN(Session session, co_await open(request.namespace_(), request.workflow_execution().workflow_id(),
                                               request.workflow_execution().run_id(), deadline));
  CO_TRY_OK(check_chain(*session.run, request.first_execution_run_id()));
  begin(session);
  const api::common::v1::Payloads* details = request.has_details() ? &request.details() : nullptr;
  CO_TRY_OK(session.run->terminate(request.reason(), details, request.identity()));
  const Reply reply = submit(std::move(session));
  CO_TRY_OK(co_await wait(reply, deadline));
  co_return wf::TerminateWorkflowExecutionResponse();
}

// A run that others still wait for is removed when they have heard of its end.
Task<Result<wf::DeleteWorkflowExecutionResponse>> Engine::Impl::delete_workflow_execution(
    wf::DeleteWorkflowExecutionRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_ASSIGN(Session session, co_await open(request.namespace_(), request.workflow_execution().workflow_id(),
                                               request.workflow_execution().run_id(), deadline));
  const bool at_once = !session.run->running() && session.run->next_delivery() == nullptr;
  if (!at_once) {
    begin(session);
    session.run->request_deletion();
    if (session.run->running()) {
      CO_TRY_OK(session.run->terminate("Delete workflow execution", nullptr, "history-service"));
    }
  }
  const Reply reply = at_once ? submit_removal(std::move(session)) : submit(std::move(session));
  CO_TRY_OK(co_await wait(reply, deadline));
  co_return wf::DeleteWorkflowExecutionResponse();
}

Task<Result<wf::GetSystemInfoResponse>> Engine::Impl::get_system_info(wf::GetSystemInfoRequest, Instant) {
  wf::GetSystemInfoResponse response;
  response.set_server_version("1.29.1");
  auto& capabilities = *response.mutable_capabilities();
  capabilities.set_signal_and_query_header(true);
  capabilities.set_internal_error_differentiation(true);
  capabilities.set_activity_failure_include_heartbeat(true);
  capabilities.set_encoded_failure_attributes(true);
  capabilities.set_upsert_memo(true);
  capabilities.set_sdk_metadata(true);
  capabilities.set_eager_workflow_start(true);
  co_return response;
}

Task<Result<wf::DescribeNamespaceResponse>> Engine::Impl::describe_namespace(wf::DescribeNamespaceRequest request, Instant) {
  const std::string& name = request.namespace_().empty() ? request.id() : request.namespace_();
  CO_TRY_OK(check_namespace(name));
  wf::DescribeNamespaceResponse response;
  auto& info = *response.mutable_namespace_info();
  info.set_name(name);
  info.set_id(name);
  info.set_state(enums::NAMESPACE_STATE_REGISTERED);
  info.mutable_capabilities()->set_worker_poll_complete_on_shutdown(true);
  info.mutable_capabilities()->set_eager_workflow_start(true);
  info.mutable_limits()->set_blob_size_limit_error(kBlobLimit);
  info.mutable_limits()->set_memo_size_limit_error(kBlobLimit);
  *response.mutable_config()->mutable_workflow_execution_retention_ttl() = to_duration(options_.retention.count());
  response.mutable_replication_config()->set_active_cluster_name("active");
  response.mutable_replication_config()->add_clusters()->set_cluster_name("active");
  co_return response;
}

}  // namespace reliant::temporal::engine

// Queries: asked of a worker beside the workflow tasks, never written. Directly, as a task of their own, while no
// workflow task is under way; otherwise with the next workflow task, so that the answer has seen what was sent before.
#include <temporal/api/errordetails/v1/message.pb.h>

#include <algorithm>
#include <utility>

#include "base/finally.h"
#include "base/text.h"
#include "runtime/sleep.h"
#include "temporal/engine/engine_impl.h"
#include "temporal/engine/limits.h"

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

constexpr std::size_t kBufferedQueries = 1;  // history.MaxBufferedQueryCount
constexpr std::int32_t kAttemptsOfAHealthyTask = 3;

Status not_ready(std::string_view message) {
  return with_reason(with_detail(failed_precondition(message), api::errordetails::v1::WorkflowNotReadyFailure()),
                     "WORKFLOW_NOT_READY");
}

Status query_failed(const std::string& message, const api::failure::v1::Failure& failure) {
  api::errordetails::v1::QueryFailedFailure detail;
  if (failure.ByteSizeLong() > 0) *detail.mutable_failure() = failure;
  return with_reason(with_detail(invalid_argument(message), detail), "QUERY_FAILED");
}

bool is_rejected(const Run& run, enums::QueryRejectCondition condition) {
  if (run.running()) return false;
  if (condition == enums::QUERY_REJECT_CONDITION_NOT_OPEN) return true;
  return condition == enums::QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY &&
         run.state().status() != enums::WORKFLOW_EXECUTION_STATUS_COMPLETED;
}

Status check_ready(const Run& run) {
  if (run.state().previous_started_event_id() == 0 &&
      (!run.running() || run.state().task().state() == pb::WorkflowTask::NONE)) {
    return not_ready("Unable to query workflow: no workflow task has been completed yet.");
  }
  if (run.state().task().attempt() >= kAttemptsOfAHealthyTask) {
    return not_ready("Unable to query workflow due to Workflow Task in failed state.");
  }
  return ok_status();
}

Result<wf::QueryWorkflowResponse> answer_of(const api::query::v1::WorkflowQueryResult& result) {
  if (result.result_type() == enums::QUERY_RESULT_TYPE_FAILED) {
    return query_failed(result.error_message(), bounded_failure(result.failure()));
  }
  if (is_too_large(result.answer())) return query_failed(std::string(kBlobTooLarge), {});
  wf::QueryWorkflowResponse response;
  *response.mutable_query_result() = result.answer();
  return response;
}

}  // namespace

void Engine::Impl::forget_query(const std::string& run_id, const std::shared_ptr<Query>& query) {
  queries_.erase(query->id);
  const auto buffered = buffered_queries_.find(run_id);
  if (buffered == buffered_queries_.end()) return;
  std::erase(buffered->second, query);
  if (buffered->second.empty()) buffered_queries_.erase(buffered);
}

void Engine::Impl::dispatch_query(const Run& run, const std::shared_ptr<Query>& query, bool sticky) {
  Dispatch dispatch;
  dispatch.queue = run.started().task_queue().name();
  if (sticky) dispatch.sticky_queue = run.state().sticky_queue();
  matching_.add({run.state().namespace_(), run.state().workflow_id(), run.run_id(), std::move(dispatch), query});
}

// Its sticky worker, if it has one; if that is not there, or does not answer in time, any.
void Engine::Impl::ask_worker(const Run& run, const std::shared_ptr<Query>& query) {
  const pb::RunState& state = run.state();
  if (state.sticky_queue().empty()) return dispatch_query(run, query, false);
  const bool there = matching_.has_poller({state.namespace_(), Dispatch::Kind::kWorkflow, true, state.sticky_queue()});
  if (there) dispatch_query(run, query, true);
  const Duration wait = there ? Duration(state.sticky_timeout()) : Duration::zero();
  scope_.spawn(ask_another(query, state.namespace_(), state.workflow_id(), run.run_id(), wait));
}

Task<void> Engine::Impl::ask_another(std::shared_ptr<Query> query, std::string ns, std::string workflow_id, std::string run_id,
                                     Duration wait) {
  if (wait > Duration::zero()) co_await sleep_for(wait);  // the sticky worker's time to take it (a timer of the engine)
  if (!queries_.contains(query->id)) co_return;           // it was answered, or its caller was destroyed
  auto session =
      co_await open(std::move(ns), std::move(workflow_id), std::move(run_id), after(executor_.now(), options_.query_timeout));
  if (!session.ok()) co_return;
  dispatch_query(*session->run, query, false);
  if (!session->run->running()) co_return;
  begin(*session);
  session->run->forget_sticky_worker();
  submit(*std::move(session));
}

void Engine::Impl::attach_queries(const Run& run, wf::PollWorkflowTaskQueueResponse& response) {
  const auto buffered = buffered_queries_.find(run.run_id());
  if (buffered == buffered_queries_.end()) return;
  for (const auto& query : buffered->second) (*response.mutable_queries())[query->id] = query->query;
}

// Those that the task answered are done; the others go on by themselves unless a next task will take them.
void Engine::Impl::settle_queries(const Run& run, const wf::RespondWorkflowTaskCompletedRequest& request) {
  const auto buffered = buffered_queries_.find(run.run_id());
  if (buffered == buffered_queries_.end()) return;
  const auto waiting = buffered->second;
  for (const auto& query : waiting) {
    const auto result = request.query_results().find(query->id);
    if (result != request.query_results().end()) {
      query->reply.set(answer_of(result->second));
      forget_query(run.run_id(), query);
    }
  }
  if (!run.running() || run.state().task().state() == pb::WorkflowTask::NONE) release_queries(run);
}

void Engine::Impl::release_queries(const Run& run) {
  const auto buffered = buffered_queries_.find(run.run_id());
  if (buffered == buffered_queries_.end()) return;
  const auto waiting = std::move(buffered->second);
  buffered_queries_.erase(buffered);
  for (const auto& query : waiting) {
    if (run.state().previous_started_event_id() > 0) {
      ask_worker(run, query);
    } else {
      query->reply.set(not_ready("Unable to query workflow: it was closed before a workflow task completed."));
    }
  }
}

Task<Result<wf::QueryWorkflowResponse>> Engine::Impl::query_workflow(wf::QueryWorkflowRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_OK(check_blob(request.query().query_args()));
  const Instant end = std::min(deadline, after(executor_.now(), options_.query_timeout));
  auto query = std::make_shared<Query>();
  std::string run_id;
  {
    CO_TRY_ASSIGN(const Session session,
                  co_await open(request.namespace_(), request.execution().workflow_id(), request.execution().run_id(), end));
    const Run& run = *session.run;
    if (is_rejected(run, request.query_reject_condition())) {
      wf::QueryWorkflowResponse response;
      response.mutable_query_rejected()->set_status(run.state().status());
      co_return response;
    }
    CO_TRY_OK(check_ready(run));
    run_id = run.run_id();
    query->id = make_uuid(random_);
    query->query = request.query();
    const bool waits = run.running() && run.state().task().state() != pb::WorkflowTask::NONE;
    auto* const buffered = waits ? &buffered_queries_[run_id] : nullptr;
    if (waits && buffered->size() >= kBufferedQueries) {
      co_return resource_exhausted("consistent query buffer is full, this may be caused by too many queries");
    }
    queries_.emplace(query->id, query);
    if (waits) {
      buffered->push_back(query);
    } else {
      ask_worker(run, query);
    }
  }
  const Finally forget([&] { forget_query(run_id, query); });

  auto reply = co_await query->reply.wait(end);
  if (reply) co_return *std::move(reply);
  co_return deadline_exceeded("no worker answered the query in time");
}

Task<Result<std::optional<wf::PollWorkflowTaskQueueResponse>>> Engine::Impl::start_query(Matching::Taken& taken,
                                                                                         Instant deadline) {
  using Answer = std::optional<wf::PollWorkflowTaskQueueResponse>;
  const std::shared_ptr<Query> query = taken->query;
  if (!queries_.contains(query->id)) {
    taken.done();
    co_return Answer();
  }
  TaskSnapshot shot;
  {
    CO_TRY_ASSIGN(const std::optional<Session> session, co_await open_task(*taken, deadline));
    taken.done();
    if (!session) co_return Answer();
    const Run& run = *session->run;
    pb::TaskToken token;
    token.set_namespace_(run.state().namespace_());
    token.set_workflow_id(run.state().workflow_id());
    token.set_run_id(run.run_id());
    token.set_query_id(query->id);
    auto& response = shot.response;
    response.set_task_token(token.SerializeAsString());
    response.mutable_workflow_execution()->set_workflow_id(run.state().workflow_id());
    response.mutable_workflow_execution()->set_run_id(run.run_id());
    *response.mutable_workflow_type() = run.started().workflow_type();
    response.set_previous_started_event_id(run.state().previous_started_event_id());
    response.set_attempt(1);
    response.mutable_workflow_execution_task_queue()->set_name(run.started().task_queue().name());
    response.mutable_workflow_execution_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
    *response.mutable_query() = query->query;
    response.mutable_history();
    shot.run = session->run;
    shot.from = 1;
    shot.to = taken.from_sticky() ? 0 : run.state().next_event_id() - 1;  // a sticky worker has the history
  }
  CO_TRY_ASSIGN(auto response, co_await respond(std::move(shot), deadline));
  co_return Answer(std::move(response));
}

Task<Result<wf::RespondQueryTaskCompletedResponse>> Engine::Impl::respond_query_task_completed(
    wf::RespondQueryTaskCompletedRequest request, Instant deadline) {
  pb::TaskToken token;
  const bool readable = token.ParseFromString(request.task_token());
  CO_TRY_OK(co_await ready(request.namespace_().empty() ? token.namespace_() : request.namespace_(), deadline));
  const auto found = queries_.find(token.query_id());
  if (!readable || found == queries_.end()) co_return not_found("query task not found, or already expired");
  if (request.completed_type() == enums::QUERY_RESULT_TYPE_FAILED) {
    found->second->reply.set(query_failed(request.error_message(), bounded_failure(request.failure())));
  } else if (is_too_large(request.query_result())) {
    found->second->reply.set(query_failed(std::string(kBlobTooLarge), {}));
  } else {
    wf::QueryWorkflowResponse response;
    *response.mutable_query_result() = request.query_result();
    found->second->reply.set(std::move(response));
  }
  co_return wf::RespondQueryTaskCompletedResponse();
}

}  // namespace reliant::temporal::engine

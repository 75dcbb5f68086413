// What workers do: poll for workflow and activity tasks, answer them, stop.
#include <utility>

#include "base/text.h"
#include "temporal/engine/engine_impl.h"
#include "temporal/engine/limits.h"

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

Status stale_activity() {
  return not_found("invalid activityID or activity already timed out or invoking workflow is completed");
}

// An unreadable token is a foreign one: as unknown as an expired one.
std::optional<pb::TaskToken> parse_token(const std::string& bytes) {
  pb::TaskToken token;
  if (!token.ParseFromString(bytes) || token.namespace_().empty() || token.run_id().empty()) return std::nullopt;
  return token;
}

pb::TaskToken token_of(const Run& run, std::int64_t scheduled_event_id, std::int32_t attempt) {
  pb::TaskToken token;
  token.set_namespace_(run.state().namespace_());
  token.set_workflow_id(run.state().workflow_id());
  token.set_run_id(run.run_id());
  token.set_scheduled_event_id(scheduled_event_id);
  token.set_attempt(attempt);
  return token;
}

wf::PollActivityTaskQueueResponse activity_response(const Run& run, const pb::Activity& activity) {
  const auto& scheduled = activity.scheduled();
  wf::PollActivityTaskQueueResponse response;
  response.set_task_token(token_of(run, activity.scheduled_event_id(), activity.attempt()).SerializeAsString());
  response.set_workflow_namespace(run.state().namespace_());
  *response.mutable_workflow_type() = run.started().workflow_type();
  response.mutable_workflow_execution()->set_workflow_id(run.state().workflow_id());
  response.mutable_workflow_execution()->set_run_id(run.run_id());
  *response.mutable_activity_type() = scheduled.activity_type();
  response.set_activity_id(scheduled.activity_id());
  if (scheduled.has_header()) *response.mutable_header() = scheduled.header();
  if (scheduled.has_input()) *response.mutable_input() = scheduled.input();
  if (activity.has_heartbeat_details()) *response.mutable_heartbeat_details() = activity.heartbeat_details();
  *response.mutable_scheduled_time() = to_timestamp(activity.first_scheduled_time());
  *response.mutable_current_attempt_scheduled_time() = to_timestamp(activity.attempt_scheduled_time());
  *response.mutable_started_time() = to_timestamp(activity.started_time());
  response.set_attempt(activity.attempt());
  *response.mutable_schedule_to_close_timeout() = scheduled.schedule_to_close_timeout();
  *response.mutable_start_to_close_timeout() = scheduled.start_to_close_timeout();
  *response.mutable_heartbeat_timeout() = scheduled.heartbeat_timeout();
  *response.mutable_retry_policy() = scheduled.retry_policy();
  if (scheduled.has_priority()) *response.mutable_priority() = scheduled.priority();
  return response;
}

// For an activity whose answer is too large.
template <class Request>
wf::RespondActivityTaskFailedRequest failure_instead(const Request& request, std::string_view message) {
  wf::RespondActivityTaskFailedRequest failed;
  *failed.mutable_failure() = size_failure(message);
  failed.set_identity(request.identity());
  return failed;
}

}  // namespace

// Nullopt: the run is gone, and the task with it.
Task<Result<std::optional<Engine::Impl::Session>>> Engine::Impl::open_task(const MatchTask& task, Instant deadline) {
  auto session = co_await open(task.ns, task.workflow_id, task.run_id, deadline);
  if (session.ok()) co_return std::optional<Session>(*std::move(session));
  if (session.status().code() == StatusCode::kNotFound) co_return std::optional<Session>();
  co_return session.status();
}

Engine::Impl::TaskSnapshot Engine::Impl::snapshot(std::shared_ptr<const Run> of, bool partial) {
  const Run& run = *of;
  const pb::RunState& state = run.state();
  const auto& task = state.task();
  TaskSnapshot shot;
  pb::TaskToken token = token_of(run, task.scheduled_event_id(), task.attempt());
  token.set_started_event_id(task.started_event_id());
  auto& response = shot.response;
  response.set_task_token(token.SerializeAsString());
  response.mutable_workflow_execution()->set_workflow_id(state.workflow_id());
  response.mutable_workflow_execution()->set_run_id(state.run_id());
  *response.mutable_workflow_type() = run.started().workflow_type();
  response.set_previous_started_event_id(state.previous_started_event_id());
  response.set_started_event_id(task.started_event_id());
  response.set_attempt(task.attempt());
  response.mutable_workflow_execution_task_queue()->set_name(run.started().task_queue().name());
  response.mutable_workflow_execution_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  *response.mutable_scheduled_time() = to_timestamp(task.scheduled_time());
  *response.mutable_started_time() = to_timestamp(task.started_time());
  shot.from = partial ? state.previous_started_event_id() + 1 : 1;
  shot.transient = run.transient_events();
  shot.to = shot.transient.empty() ? task.started_event_id() : state.next_event_id() - 1;
  shot.run = std::move(of);
  return shot;
}

Task<Result<wf::PollWorkflowTaskQueueResponse>> Engine::Impl::respond(TaskSnapshot shot, Instant deadline) {
  auto& history = *shot.response.mutable_history();
  const RunStore::PageLimit limit{options_.history_page_events, options_.history_page_bytes};
  const std::int64_t count = shot.to - shot.from + 1;
  const bool one_page = count <= static_cast<std::int64_t>(limit.events) &&
                        shot.run->state().history_bytes() <= static_cast<std::int64_t>(limit.bytes);
  RunStore::Page page;
  if (count > 0 && !(one_page && shot.run->add_recent_events(shot.from, shot.to, history))) {
    CO_TRY_ASSIGN(page, co_await store_.read_history(shot.run->run_id(), shot.from, shot.to, limit, deadline));
  }
  for (HistoryEvent& event : page.events) *history.add_events() = std::move(event);
  if (page.next_event_id == 0) {
    for (HistoryEvent& event : shot.transient) *history.add_events() = std::move(event);
    co_return std::move(shot.response);
  }
  pb::HistoryToken token;
  token.set_run_id(shot.run->run_id());
  token.set_next_event_id(page.next_event_id);
  token.set_last_event_id(shot.to);
  for (HistoryEvent& event : shot.transient) *token.add_transient() = std::move(event);
  shot.response.set_next_page_token(token.SerializeAsString());
  co_return std::move(shot.response);
}

// Nullopt: there was nothing to start any more.
Task<Result<std::optional<wf::PollWorkflowTaskQueueResponse>>> Engine::Impl::start_polled(Matching::Taken& taken,
                                                                                          std::string identity,
                                                                                          Instant deadline) {
  using Answer = std::optional<wf::PollWorkflowTaskQueueResponse>;
  CO_TRY_ASSIGN(std::optional<Session> session, co_await open_task(*taken, deadline));
  const Dispatch& dispatch = taken->dispatch;
  if (!session || !session->run->can_start_task(dispatch.scheduled_event_id, dispatch.attempt)) {
    taken.done();
    co_return Answer();
  }
  begin(*session);
  session->run->start_task(identity, make_uuid(random_), taken.from_sticky());
  TaskSnapshot shot = snapshot(session->run, taken.from_sticky());
  attach_queries(*session->run, shot.response);
  const Reply reply = submit(*std::move(session));
  taken.done();
  CO_TRY_OK(co_await wait(reply, deadline));
  CO_TRY_ASSIGN(auto response, co_await respond(std::move(shot), deadline));
  co_return Answer(std::move(response));
}

Task<Result<wf::PollWorkflowTaskQueueResponse>> Engine::Impl::poll_workflow_task_queue(wf::PollWorkflowTaskQueueRequest request,
                                                                                       Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  if (request.task_queue().name().empty()) co_return invalid_field("task_queue", "TaskQueue is not set on request.");
  const bool sticky = request.task_queue().kind() == enums::TASK_QUEUE_KIND_STICKY;
  const QueueKey key{request.namespace_(), Dispatch::Kind::kWorkflow, sticky, request.task_queue().name()};
  const Instant end = poll_end(deadline);
  for (;;) {
    auto taken = co_await matching_.take(key, request.worker_instance_key(), request.identity(), end);
    if (!taken) co_return wf::PollWorkflowTaskQueueResponse();
    if ((**taken).query != nullptr) {
      CO_TRY_ASSIGN(auto response, co_await start_query(*taken, deadline));
      if (response) co_return *std::move(response);
    } else {
      CO_TRY_ASSIGN(auto response, co_await start_polled(*taken, request.identity(), deadline));
      if (response) co_return *std::move(response);
    }
  }
}

Task<Result<Engine::Impl::Session>> Engine::Impl::open_token(std::string ns, std::optional<pb::TaskToken> token,
                                                             Instant deadline) {
  if (!token) co_return not_found("the task token is not of this server");
  CO_TRY_OK(co_await ready(ns.empty() ? token->namespace_() : ns, deadline));
  co_return co_await open(token->namespace_(), token->workflow_id(), token->run_id(), deadline);
}

Task<Result<wf::RespondWorkflowTaskCompletedResponse>> Engine::Impl::respond_workflow_task_completed(
    wf::RespondWorkflowTaskCompletedRequest request, Instant deadline) {
  const auto token = parse_token(request.task_token());
  CO_TRY_ASSIGN(Session session, co_await open_token(request.namespace_(), token, deadline));
  const std::shared_ptr<Run> run = session.run;
  CO_TRY_OK(run->check_task_token(*token));
  begin(session);
  const auto completion = run->complete_task(request);
  if (!completion.ok()) {
    discard(session);
    co_return completion.status();
  }
  std::optional<TaskSnapshot> next;
  if (!completion->failure) settle_queries(*run, request);
  if (completion->new_task_started) {
    next = snapshot(run, true);  // who answers knows what was before
    attach_queries(*run, next->response);
  }
  struct Eager {
    wf::PollActivityTaskQueueResponse task;
    std::int64_t input_in;
  };
  std::vector<Eager> eager;
  for (const std::int64_t id : completion->eager_activities) {
    const pb::Activity& activity = *std::as_const(*run).find_activity(id);
    eager.push_back({activity_response(*run, activity), activity.input_in_history() ? id : 0});
  }
  const Reply reply = submit(std::move(session));
  CO_TRY_OK(co_await wait(reply, deadline));
  if (completion->failure) co_return invalid_argument(completion->failure->message);
  wf::RespondWorkflowTaskCompletedResponse response;
  if (next) {
    CO_TRY_ASSIGN(*response.mutable_workflow_task(), co_await respond(*std::move(next), deadline));
  }
  for (Eager& activity : eager) {
    CO_TRY_OK(co_await add_input(run, activity.input_in, activity.task, deadline));
    *response.add_activity_tasks() = std::move(activity.task);
  }
  co_return response;
}

Task<Result<wf::RespondWorkflowTaskFailedResponse>> Engine::Impl::respond_workflow_task_failed(
    wf::RespondWorkflowTaskFailedRequest request, Instant deadline) {
  const auto token = parse_token(request.task_token());
  CO_TRY_ASSIGN(Session session, co_await open_token(request.namespace_(), token, deadline));
  CO_TRY_OK(session.run->check_task_token(*token));
  begin(session);
  session.run->fail_task(request.cause(), bounded_failure(request.failure()), request.identity());
  const Reply reply = submit(std::move(session));
  CO_TRY_OK(co_await wait(reply, deadline));
  co_return wf::RespondWorkflowTaskFailedResponse();
}

Task<Result<std::optional<wf::PollActivityTaskQueueResponse>>> Engine::Impl::start_activity(Matching::Taken& taken,
                                                                                            std::string identity,
                                                                                            Instant deadline) {
  using Answer = std::optional<wf::PollActivityTaskQueueResponse>;
  CO_TRY_ASSIGN(std::optional<Session> session, co_await open_task(*taken, deadline));
  const Dispatch& dispatch = taken->dispatch;
  if (!session || !session->run->can_start_activity(dispatch.scheduled_event_id, dispatch.attempt)) {
    taken.done();
    co_return Answer();
  }
  begin(*session);
  const pb::Activity& activity = session->run->start_activity(dispatch.scheduled_event_id, identity, make_uuid(random_));
  Answer answer(activity_response(*session->run, activity));
  const std::shared_ptr<const Run> run = session->run;
  const std::int64_t input_in = activity.input_in_history() ? dispatch.scheduled_event_id : 0;
  const Reply reply = submit(*std::move(session));
  taken.done();
  CO_TRY_OK(co_await wait(reply, deadline));
  CO_TRY_OK(co_await add_input(run, input_in, *answer, deadline));
  co_return answer;
}

Task<Result<wf::PollActivityTaskQueueResponse>> Engine::Impl::poll_activity_task_queue(wf::PollActivityTaskQueueRequest request,
                                                                                       Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  if (request.task_queue().name().empty()) co_return invalid_field("task_queue", "TaskQueue is not set on request.");
  const QueueKey key{request.namespace_(), Dispatch::Kind::kActivity, false, request.task_queue().name()};
  const Instant end = poll_end(deadline);
  for (;;) {
    auto taken = co_await matching_.take(key, request.worker_instance_key(), request.identity(), end);
    if (!taken) co_return wf::PollActivityTaskQueueResponse();
    CO_TRY_ASSIGN(auto response, co_await start_activity(*taken, request.identity(), deadline));
    if (response) co_return *std::move(response);
  }
}

Task<Status> Engine::Impl::add_input(std::shared_ptr<const Run> run, std::int64_t scheduled_event_id,
                                     wf::PollActivityTaskQueueResponse& response, Instant deadline) {
  if (scheduled_event_id == 0) co_return ok_status();
  History history;
  if (!run->add_recent_events(scheduled_event_id, scheduled_event_id, history)) {
    const RunStore::PageLimit limit{1, options_.history_page_bytes};
    CO_TRY_ASSIGN(RunStore::Page page,
                  co_await store_.read_history(run->run_id(), scheduled_event_id, scheduled_event_id, limit, deadline));
    for (HistoryEvent& event : page.events) *history.add_events() = std::move(event);
  }
  if (history.events_size() != 1)
    co_return data_loss("the history of run ", run->run_id(), " has no event ", scheduled_event_id);
  *response.mutable_input() = history.events(0).activity_task_scheduled_event_attributes().input();
  co_return ok_status();
}

template <class Request, class Change>
Task<Status> Engine::Impl::change_activity_by_id(const Request& request, Instant deadline, Change change) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  if (request.activity_id().empty()) co_return invalid_field("activity_id", "ActivityId is not set on request.");
  CO_TRY_ASSIGN(Session session, co_await open(request.namespace_(), request.workflow_id(), request.run_id(), deadline));
  const pb::Activity* const activity = session.run->running() ? session.run->find_activity(request.activity_id()) : nullptr;
  if (activity == nullptr) {
    co_return not_found("cannot find pending activity with ActivityID ", request.activity_id(),
                        ", check workflow execution history for more details");
  }
  const pb::TaskToken token = token_of(*session.run, activity->scheduled_event_id(), activity->attempt());
  begin(session);
  CO_TRY_OK(change(*session.run, token));
  const Reply reply = submit(std::move(session));
  co_return co_await wait(reply, deadline);
}

template <class Request, class Change>
Task<Status> Engine::Impl::change_activity(const Request& request, Instant deadline, Change change) {
  const auto token = parse_token(request.task_token());
  auto session = co_await open_token(request.namespace_(), token, deadline);
  if (!session.ok()) {
    co_return session.status().code() == StatusCode::kNotFound&& token ? stale_activity() : session.status();
  }
  begin(*session);
  CO_TRY_OK(change(*session->run, *token));
  const Reply reply = submit(*std::move(session));
  co_return co_await wait(reply, deadline);
}

// An activity whose answer is too large has failed, whatever the answer was.
Status Engine::Impl::complete_activity(Run& run, const pb::TaskToken& token,
                                       const wf::RespondActivityTaskCompletedRequest& request) {
  note_large_payload("activity result", run.state().workflow_id(), request.result());
  if (!is_too_large(request.result())) return run.complete_activity(token, request);
  return run.fail_activity(token, failure_instead(request, "Complete result exceeds size limit."));
}

Status Engine::Impl::fail_activity(Run& run, const pb::TaskToken& token, wf::RespondActivityTaskFailedRequest request) {
  *request.mutable_failure() = bounded_failure(std::move(*request.mutable_failure()));
  if (is_too_large(request.last_heartbeat_details())) request.clear_last_heartbeat_details();
  return run.fail_activity(token, request);
}

Status Engine::Impl::cancel_activity(Run& run, const pb::TaskToken& token,
                                     const wf::RespondActivityTaskCanceledRequest& request) {
  if (!is_too_large(request.details())) return run.cancel_activity(token, request);
  return run.fail_activity(token, failure_instead(request, "Cancel details exceed size limit."));
}

// Whether the activity is to end.
Result<bool> Engine::Impl::heartbeat(Run& run, const pb::TaskToken& token,
                                     const wf::RecordActivityTaskHeartbeatRequest& request) {
  if (!is_too_large(request.details())) return run.heartbeat(token, request);
  TRY_OK(run.fail_activity(token, failure_instead(request, "Heartbeat details exceed size limit.")));
  return true;
}

Task<Result<wf::RecordActivityTaskHeartbeatResponse>> Engine::Impl::record_activity_task_heartbeat(
    wf::RecordActivityTaskHeartbeatRequest request, Instant deadline) {
  wf::RecordActivityTaskHeartbeatResponse response;
  CO_TRY_OK(co_await change_activity(request, deadline, [&](Run& run, const pb::TaskToken& token) {
    const auto cancel_requested = heartbeat(run, token, request);
    if (cancel_requested.ok()) response.set_cancel_requested(*cancel_requested);
    return cancel_requested.status();
  }));
  co_return response;
}

Task<Result<wf::RespondActivityTaskCompletedResponse>> Engine::Impl::respond_activity_task_completed(
    wf::RespondActivityTaskCompletedRequest request, Instant deadline) {
  CO_TRY_OK(co_await change_activity(
      request, deadline, [&](Run& run, const pb::TaskToken& token) { return complete_activity(run, token, request); }));
  co_return wf::RespondActivityTaskCompletedResponse();
}

Task<Result<wf::RespondActivityTaskFailedResponse>> Engine::Impl::respond_activity_task_failed(
    wf::RespondActivityTaskFailedRequest request, Instant deadline) {
  CO_TRY_OK(co_await change_activity(
      request, deadline, [&](Run& run, const pb::TaskToken& token) { return fail_activity(run, token, std::move(request)); }));
  co_return wf::RespondActivityTaskFailedResponse();
}

Task<Result<wf::RespondActivityTaskCanceledResponse>> Engine::Impl::respond_activity_task_canceled(
    wf::RespondActivityTaskCanceledRequest request, Instant deadline) {
  CO_TRY_OK(co_await change_activity(
      request, deadline, [&](Run& run, const pb::TaskToken& token) { return cancel_activity(run, token, request); }));
  co_return wf::RespondActivityTaskCanceledResponse();
}

Task<Result<wf::RecordActivityTaskHeartbeatByIdResponse>> Engine::Impl::record_activity_task_heartbeat_by_id(
    wf::RecordActivityTaskHeartbeatByIdRequest request, Instant deadline) {
  wf::RecordActivityTaskHeartbeatByIdResponse response;
  CO_TRY_OK(co_await change_activity_by_id(request, deadline, [&](Run& run, const pb::TaskToken& token) {
    wf::RecordActivityTaskHeartbeatRequest beat;
    *beat.mutable_details() = request.details();
    beat.set_identity(request.identity());
    const auto cancel_requested = heartbeat(run, token, beat);
    if (cancel_requested.ok()) response.set_cancel_requested(*cancel_requested);
    return cancel_requested.status();
  }));
  co_return response;
}

Task<Result<wf::RespondActivityTaskCompletedByIdResponse>> Engine::Impl::respond_activity_task_completed_by_id(
    wf::RespondActivityTaskCompletedByIdRequest request, Instant deadline) {
  CO_TRY_OK(co_await change_activity_by_id(request, deadline, [&](Run& run, const pb::TaskToken& token) {
    wf::RespondActivityTaskCompletedRequest completed;
    if (request.has_result()) *completed.mutable_result() = request.result();
    completed.set_identity(request.identity());
    run.start_from_outside(token, request.identity());
    return complete_activity(run, token, completed);
  }));
  co_return wf::RespondActivityTaskCompletedByIdResponse();
}

Task<Result<wf::RespondActivityTaskFailedByIdResponse>> Engine::Impl::respond_activity_task_failed_by_id(
    wf::RespondActivityTaskFailedByIdRequest request, Instant deadline) {
  CO_TRY_OK(co_await change_activity_by_id(request, deadline, [&](Run& run, const pb::TaskToken& token) {
    wf::RespondActivityTaskFailedRequest failed;
    *failed.mutable_failure() = request.failure();
    failed.set_identity(request.identity());
    if (request.has_last_heartbeat_details()) *failed.mutable_last_heartbeat_details() = request.last_heartbeat_details();
    return fail_activity(run, token, std::move(failed));
  }));
  co_return wf::RespondActivityTaskFailedByIdResponse();
}

Task<Result<wf::RespondActivityTaskCanceledByIdResponse>> Engine::Impl::respond_activity_task_canceled_by_id(
    wf::RespondActivityTaskCanceledByIdRequest request, Instant deadline) {
  CO_TRY_OK(co_await change_activity_by_id(request, deadline, [&](Run& run, const pb::TaskToken& token) {
    wf::RespondActivityTaskCanceledRequest canceled;
    if (request.has_details()) *canceled.mutable_details() = request.details();
    canceled.set_identity(request.identity());
    return cancel_activity(run, token, canceled);
  }));
  co_return wf::RespondActivityTaskCanceledByIdResponse();
}

Task<Result<wf::ResetStickyTaskQueueResponse>> Engine::Impl::reset_sticky_task_queue(wf::ResetStickyTaskQueueRequest request,
                                                                                     Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_ASSIGN(Session session,
                co_await open(request.namespace_(), request.execution().workflow_id(), request.execution().run_id(), deadline));
  if (!session.run->running()) co_return not_found("workflow execution already completed");
  if (session.run->state().sticky_queue().empty()) co_return wf::ResetStickyTaskQueueResponse();
  begin(session);
  session.run->forget_sticky_worker();
  const Reply reply = submit(std::move(session));
  CO_TRY_OK(co_await wait(reply, deadline));
  co_return wf::ResetStickyTaskQueueResponse();
}

Task<Result<wf::ShutdownWorkerResponse>> Engine::Impl::shutdown_worker(wf::ShutdownWorkerRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  matching_.stop_worker(request.worker_instance_key(),
                        {request.namespace_(), Dispatch::Kind::kWorkflow, true, request.sticky_task_queue()});
  co_return wf::ShutdownWorkerResponse();
}

}  // namespace reliant::temporal::engine

// What runs want of each other (mutable_state.h, engine.proto): carried out one at a time, in the order of the run that wants
// it, each in a transaction of its target and then in one of its sender, which takes it out and writes the outcome.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "runtime/sleep.h"
#include "temporal/engine/engine_impl.h"

namespace reliant::temporal::engine {

namespace {

constexpr Duration kDeliveryTimeout = std::chrono::seconds(30);
constexpr Duration kPause = std::chrono::seconds(1);

// Nothing is known about the target: once more.
bool is_passing(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists:
    case StatusCode::kInvalidArgument:
    case StatusCode::kFailedPrecondition:
      return false;
    default:
      return true;
  }
}

wf::StartWorkflowExecutionRequest start_request(const pb::Delivery& delivery, const std::string& sender) {
  const auto& from = delivery.start();
  wf::StartWorkflowExecutionRequest request;
  request.set_namespace_(from.namespace_());
  request.set_workflow_id(from.workflow_id());
  *request.mutable_workflow_type() = from.workflow_type();
  *request.mutable_task_queue() = from.task_queue();
  if (from.has_input()) *request.mutable_input() = from.input();
  *request.mutable_workflow_execution_timeout() = from.workflow_execution_timeout();
  *request.mutable_workflow_run_timeout() = from.workflow_run_timeout();
  *request.mutable_workflow_task_timeout() = from.workflow_task_timeout();
  request.set_request_id(concat(sender, ":", delivery.initiated_event_id()));
  request.set_workflow_id_reuse_policy(from.workflow_id_reuse_policy());
  if (from.has_retry_policy()) *request.mutable_retry_policy() = from.retry_policy();
  if (from.has_header()) *request.mutable_header() = from.header();
  if (from.has_memo()) *request.mutable_memo() = from.memo();
  if (from.has_search_attributes()) *request.mutable_search_attributes() = from.search_attributes();
  if (from.has_priority()) *request.mutable_priority() = from.priority();
  return request;
}

}  // namespace

void Engine::Impl::deliver(const Run& run) {
  if (run.next_delivery() == nullptr || !delivering_.insert(run.run_id()).second) return;
  scope_.spawn(run_deliveries(run.state().namespace_(), run.state().workflow_id(), run.run_id()));
}

Task<void> Engine::Impl::run_deliveries(std::string ns, std::string workflow_id, std::string run_id) {
  for (;;) {
    std::shared_ptr<const Run> sender;
    pb::Delivery delivery;
    Outcome outcome;
    {
      const auto session = co_await open(ns, workflow_id, run_id, after(executor_.now(), kDeliveryTimeout));
      if (session.ok() && session->run->next_delivery() == nullptr) break;
      if (session.status().code() == StatusCode::kNotFound) break;
      outcome.status = session.status();
      if (session.ok()) {
        sender = session->run;
        delivery = *sender->next_delivery();
      }
    }
    if (sender != nullptr) outcome = co_await carry_out(sender, delivery);
    if (is_passing(outcome.status)) {
      co_await sleep_for(kPause);  // a database that failed gives no notice of its recovery
      continue;
    }
    auto session = co_await open(ns, workflow_id, run_id, after(executor_.now(), kDeliveryTimeout));
    if (!session.ok()) continue;
    begin(*session);
    session->run->delivered(outcome.status, outcome.run_id);
    const Reply reply = submit(*std::move(session));
    (void)co_await wait(reply, kNever);  // not written: it is there again
  }
  delivering_.erase(run_id);
}

Task<Engine::Impl::Outcome> Engine::Impl::carry_out(std::shared_ptr<const Run> sender, pb::Delivery delivery) {
  const Instant deadline = after(executor_.now(), kDeliveryTimeout);
  if (delivery.kind() == pb::Delivery::START_CHILD) co_return co_await start_child(sender, std::move(delivery), deadline);
  Outcome outcome;
  outcome.status = co_await change_target(sender, std::move(delivery), deadline);
  co_return outcome;
}

Task<Engine::Impl::Outcome> Engine::Impl::start_child(std::shared_ptr<const Run> sender, pb::Delivery delivery,
                                                      Instant deadline) {
  Run::Parent parent;
  parent.ns = sender->state().namespace_();
  parent.execution.set_workflow_id(sender->state().workflow_id());
  parent.execution.set_run_id(sender->run_id());
  parent.root = sender->started().root_workflow_execution();
  parent.initiated_event_id = delivery.initiated_event_id();
  const auto started = co_await start_run(start_request(delivery, sender->run_id()), std::nullopt, std::move(parent), deadline);
  Outcome outcome;
  outcome.status = started.status();
  if (started.ok()) outcome.run_id = started->run_id();
  co_return outcome;
}

Task<Status> Engine::Impl::change_target(std::shared_ptr<const Run> sender, pb::Delivery delivery, Instant deadline) {
  CO_TRY_OK(check_namespace(delivery.namespace_()));
  const bool by_command = delivery.kind() == pb::Delivery::SIGNAL || delivery.kind() == pb::Delivery::CANCEL;
  if (by_command && delivery.workflow_id() == sender->state().workflow_id()) {
    co_return not_found("a workflow does not reach itself from outside");
  }
  // A child may have continued as a new run since then.
  std::string run_id = delivery.child_only() ? std::string() : delivery.run_id();
  CO_TRY_ASSIGN(Session session, co_await open(delivery.namespace_(), delivery.workflow_id(), std::move(run_id), deadline));
  // A cancel of a run that has ended is a success.
  if (delivery.kind() == pb::Delivery::CANCEL && !session.run->running()) co_return ok_status();
  if (delivery.child_only() && !session.run->is_child_of(*sender)) {
    co_return not_found("workflow ", delivery.workflow_id(), " is no child of ", sender->state().workflow_id());
  }
  begin(session);
  Result<bool> changed = false;
  switch (delivery.kind()) {
    case pb::Delivery::BEGIN_CHILD:
      changed = session.run->begin_by_parent();
      break;
    case pb::Delivery::TELL_PARENT:
      changed = session.run->child_closed(delivery);
      break;
    case pb::Delivery::SIGNAL:
      changed = session.run->signal_from(*sender, delivery);
      break;
    case pb::Delivery::CANCEL:
      changed = session.run->request_cancel_from(*sender, delivery);
      break;
    default:
      if (session.run->running()) {
        CO_TRY_OK(session.run->terminate(delivery.reason(), nullptr, "history-service"));
        changed = true;
      }
  }
  if (!changed.ok()) co_return changed.status();
  if (!*changed) co_return ok_status();
  const Reply reply = submit(std::move(session));
  co_return co_await wait(reply, deadline);
}

}  // namespace reliant::temporal::engine

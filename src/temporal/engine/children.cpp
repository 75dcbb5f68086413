#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "temporal/engine/limits.h"
#include "temporal/engine/mutable_state.h"

// Child workflows, seen from both sides. What one run wants of another is a delivery (engine.proto): the engine carries it
// out, and tells the outcome. A child's first workflow task comes when its parent has written that it started.

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

Run::TaskFailure bad_child(std::string_view what, bool ends_run = false) {
  return {enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES,
          concat("BadStartChildExecutionAttributes: ", what), ends_run};
}

// What all events that end a child have.
template <class Attributes>
Attributes& about(Attributes& attributes, const pb::RunState& child, const StartedAttributes& started) {
  attributes.set_namespace_(child.namespace_());
  attributes.set_namespace_id(child.namespace_());
  attributes.mutable_workflow_execution()->set_workflow_id(child.workflow_id());
  attributes.mutable_workflow_execution()->set_run_id(child.run_id());
  *attributes.mutable_workflow_type() = started.workflow_type();
  attributes.set_initiated_event_id(started.parent_initiated_event_id());
  return attributes;
}

// The parent's view of the event that closed a child.
HistoryEvent closing_of_child(const HistoryEvent& close, const pb::RunState& child, const StartedAttributes& started) {
  HistoryEvent event;
  switch (close.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: {
      event.set_event_type(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED);
      auto& to = about(*event.mutable_child_workflow_execution_completed_event_attributes(), child, started);
      const auto& from = close.workflow_execution_completed_event_attributes();
      if (from.has_result()) *to.mutable_result() = from.result();
      break;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: {
      event.set_event_type(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED);
      auto& to = about(*event.mutable_child_workflow_execution_failed_event_attributes(), child, started);
      *to.mutable_failure() = close.workflow_execution_failed_event_attributes().failure();
      to.set_retry_state(close.workflow_execution_failed_event_attributes().retry_state());
      break;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: {
      event.set_event_type(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED);
      auto& to = about(*event.mutable_child_workflow_execution_canceled_event_attributes(), child, started);
      const auto& from = close.workflow_execution_canceled_event_attributes();
      if (from.has_details()) *to.mutable_details() = from.details();
      break;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: {
      event.set_event_type(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT);
      auto& to = about(*event.mutable_child_workflow_execution_timed_out_event_attributes(), child, started);
      to.set_retry_state(close.workflow_execution_timed_out_event_attributes().retry_state());
      break;
    }
    default:
      event.set_event_type(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED);
      about(*event.mutable_child_workflow_execution_terminated_event_attributes(), child, started);
  }
  return event;
}

}  // namespace

// --- the parent ------------------------------------------------------------------------------------------------------

std::optional<Run::TaskFailure> Run::start_child(const Command& command) {
  const auto& given = command.start_child_workflow_execution_command_attributes();
  if (given.workflow_id().empty()) return bad_child("Required field WorkflowId is not set on command.");
  if (given.workflow_type().name().empty()) return bad_child("Required field WorkflowType is not set on command.");
  if (!given.cron_schedule().empty()) return bad_child("the embedded engine does not support cron_schedule");
  if (given.workflow_id().size() > kIdLimit || given.workflow_type().name().size() > kIdLimit ||
      given.task_queue().name().size() > kIdLimit) {
    return bad_child(concat(given.workflow_id().size() > kIdLimit            ? "WorkflowId"
                            : given.workflow_type().name().size() > kIdLimit ? "WorkflowType"
                                                                             : "TaskQueue",
                            " on StartChildWorkflowExecutionCommand exceeds length limit. Limit=", kIdLimit));
  }
  if (is_too_large(given.input())) {
    return bad_child("StartChildWorkflowExecutionCommandAttributes. Input exceeds size limit.", true);
  }
  if (is_too_large(given.memo())) {
    return bad_child("StartChildWorkflowExecutionCommandAttributes.Memo exceeds size limit.", true);
  }
  if (state_.children_size() >= kPendingLimit) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED,
                       concat("PendingChildWorkflowsLimitExceeded: the number of pending child workflow executions, ",
                              state_.children_size(), ", has reached the per-workflow limit of ", kPendingLimit)};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, command);
  auto& attributes = *event.mutable_start_child_workflow_execution_initiated_event_attributes();
  attributes.set_namespace_(state_.namespace_());  // to start one in another is deprecated
  attributes.set_namespace_id(attributes.namespace_());
  attributes.set_workflow_id(given.workflow_id());
  *attributes.mutable_workflow_type() = given.workflow_type();
  *attributes.mutable_task_queue() = given.task_queue().name().empty() ? started_.task_queue() : given.task_queue();
  attributes.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (given.has_input()) *attributes.mutable_input() = given.input();
  *attributes.mutable_workflow_execution_timeout() = given.workflow_execution_timeout();
  *attributes.mutable_workflow_run_timeout() = given.workflow_run_timeout();
  *attributes.mutable_workflow_task_timeout() =
      to_duration(effective_task_timeout(nanos(given.workflow_task_timeout()), nanos(given.workflow_run_timeout())));
  attributes.set_parent_close_policy(given.parent_close_policy() == enums::PARENT_CLOSE_POLICY_UNSPECIFIED
                                         ? enums::PARENT_CLOSE_POLICY_TERMINATE
                                         : given.parent_close_policy());
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  attributes.set_workflow_id_reuse_policy(given.workflow_id_reuse_policy() == enums::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED
                                              ? enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
                                              : given.workflow_id_reuse_policy());
  if (given.has_retry_policy()) {
    *attributes.mutable_retry_policy() = given.retry_policy();
    complete_retry_policy(*attributes.mutable_retry_policy());
  }
  if (given.has_header()) *attributes.mutable_header() = given.header();
  if (given.has_memo()) *attributes.mutable_memo() = given.memo();
  if (given.has_search_attributes()) *attributes.mutable_search_attributes() = given.search_attributes();
  if (given.has_priority()) *attributes.mutable_priority() = given.priority();

  pb::Child& child = *state_.add_children();
  child.set_initiated_event_id(event.event_id());
  child.set_namespace_(attributes.namespace_());
  child.set_workflow_id(attributes.workflow_id());
  child.set_workflow_type(attributes.workflow_type().name());
  child.set_parent_close_policy(attributes.parent_close_policy());
  pb::Delivery& delivery = *state_.add_deliveries();
  delivery.set_kind(pb::Delivery::START_CHILD);
  delivery.set_namespace_(attributes.namespace_());
  delivery.set_workflow_id(attributes.workflow_id());
  delivery.set_initiated_event_id(event.event_id());
  *delivery.mutable_start() = attributes;
  return std::nullopt;
}

pb::Child* Run::find_child(std::int64_t initiated_event_id) {
  auto& children = *state_.mutable_children();
  const auto found = std::ranges::find(children, initiated_event_id, &pb::Child::initiated_event_id);
  return found == children.end() ? nullptr : &*found;
}

void Run::remove_child(std::int64_t initiated_event_id) {
  auto& children = *state_.mutable_children();
  const auto found = std::ranges::find(children, initiated_event_id, &pb::Child::initiated_event_id);
  if (found != children.end()) children.erase(found);
}

void Run::write_child_started(pb::Child& child, const std::string& run_id) {
  child.set_run_id(run_id);
  HistoryEvent& event = add_event(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED);
  auto& attributes = *event.mutable_child_workflow_execution_started_event_attributes();
  attributes.set_namespace_(child.namespace_());
  attributes.set_namespace_id(child.namespace_());
  attributes.set_initiated_event_id(child.initiated_event_id());
  attributes.mutable_workflow_execution()->set_workflow_id(child.workflow_id());
  attributes.mutable_workflow_execution()->set_run_id(run_id);
  attributes.mutable_workflow_type()->set_name(child.workflow_type());
  want_task();
}

void Run::write_child_not_started(const pb::Delivery& delivery, const Status& outcome) {
  HistoryEvent& event = add_event(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED);
  auto& attributes = *event.mutable_start_child_workflow_execution_failed_event_attributes();
  attributes.set_namespace_(delivery.namespace_());
  attributes.set_namespace_id(delivery.namespace_());
  attributes.set_workflow_id(delivery.workflow_id());
  *attributes.mutable_workflow_type() = delivery.start().workflow_type();
  attributes.set_cause(outcome.code() == StatusCode::kNotFound
                           ? enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND
                           : enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
  attributes.set_initiated_event_id(delivery.initiated_event_id());
  attributes.set_workflow_task_completed_event_id(delivery.start().workflow_task_completed_event_id());
  want_task();
}

bool Run::child_closed(const pb::Delivery& from_child) {
  pb::Child* const child = find_child(from_child.initiated_event_id());
  if (!running() || child == nullptr) return false;
  std::int64_t started_event_id = child->started_event_id();
  HistoryEvent closed = from_child.closed();
  const auto finish = [&](auto& attributes) {
    // It may have ended before its start was recorded: then the start event comes first.
    if (child->run_id().empty()) write_child_started(*child, attributes.workflow_execution().run_id());
    attributes.set_started_event_id(started_event_id);
  };
  if (closed.has_child_workflow_execution_completed_event_attributes()) {
    finish(*closed.mutable_child_workflow_execution_completed_event_attributes());
  } else if (closed.has_child_workflow_execution_failed_event_attributes()) {
    finish(*closed.mutable_child_workflow_execution_failed_event_attributes());
  } else if (closed.has_child_workflow_execution_canceled_event_attributes()) {
    finish(*closed.mutable_child_workflow_execution_canceled_event_attributes());
  } else if (closed.has_child_workflow_execution_timed_out_event_attributes()) {
    finish(*closed.mutable_child_workflow_execution_timed_out_event_attributes());
  } else {
    finish(*closed.mutable_child_workflow_execution_terminated_event_attributes());
  }
  HistoryEvent& event = add_event(closed.event_type());
  const auto time = event.event_time();
  event = std::move(closed);
  *event.mutable_event_time() = time;
  remove_child(from_child.initiated_event_id());
  want_task();
  return true;
}

// The run ends: its children go on, or receive a request to end.
void Run::leave_children() {
  auto& deliveries = *state_.mutable_deliveries();
  for (const pb::Child& child : state_.children()) {
    if (child.parent_close_policy() == enums::PARENT_CLOSE_POLICY_ABANDON) continue;
    pb::Delivery ending;
    ending.set_kind(child.parent_close_policy() == enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL ? pb::Delivery::CANCEL
                                                                                             : pb::Delivery::TERMINATE);
    ending.set_namespace_(child.namespace_());
    ending.set_workflow_id(child.workflow_id());
    ending.set_child_only(true);
    ending.set_reason("by parent close policy");
    *deliveries.Add() = std::move(ending);  // behind its start, which may be on its way
  }
  state_.clear_children();
}

// --- the child -------------------------------------------------------------------------------------------------------

void Run::tell_parent() {
  if (!started_.has_parent_workflow_execution()) return;
  pb::Delivery& delivery = *state_.add_deliveries();
  delivery.set_kind(pb::Delivery::TELL_PARENT);
  delivery.set_namespace_(started_.parent_workflow_namespace());
  delivery.set_workflow_id(started_.parent_workflow_execution().workflow_id());
  delivery.set_run_id(started_.parent_workflow_execution().run_id());
  delivery.set_initiated_event_id(started_.parent_initiated_event_id());
  *delivery.mutable_closed() = closing_of_child(events_->events(events_->events_size() - 1), state_, started_);
}

bool Run::is_child_of(const Run& other) const {
  return started_.parent_workflow_execution().run_id() == other.run_id() && started_.has_parent_workflow_execution();
}

bool Run::begin_by_parent() {
  if (!running() || !state_.waits_for_parent()) return false;
  state_.set_waits_for_parent(false);
  want_task();
  return true;
}

// --- deliveries ------------------------------------------------------------------------------------------------------

const pb::Delivery* Run::next_delivery() const { return state_.deliveries().empty() ? nullptr : &state_.deliveries(0); }

void Run::delivered(const Status& outcome, const std::string& run_id) {
  const pb::Delivery delivery = state_.deliveries(0);
  auto& deliveries = *state_.mutable_deliveries();
  deliveries.erase(deliveries.begin());
  switch (delivery.kind()) {
    case pb::Delivery::START_CHILD: {
      pb::Child* const child = find_child(delivery.initiated_event_id());
      if (!outcome.ok()) {
        if (child == nullptr) return;
        remove_child(delivery.initiated_event_id());
        return write_child_not_started(delivery, outcome);
      }
      pb::Delivery begin;
      begin.set_kind(pb::Delivery::BEGIN_CHILD);
      begin.set_namespace_(delivery.namespace_());
      begin.set_workflow_id(delivery.workflow_id());
      begin.set_run_id(run_id);
      *deliveries.Add() = std::move(begin);
      std::rotate(deliveries.begin(), deliveries.end() - 1, deliveries.end());  // before whatever else is for it
      if (child != nullptr && child->run_id().empty()) write_child_started(*child, run_id);
      return;
    }
    case pb::Delivery::SIGNAL:
      return write_signal_outcome(delivery, outcome);
    case pb::Delivery::CANCEL:
      return write_cancel_outcome(delivery, outcome);
    default:
      return;
  }
}

}  // namespace reliant::temporal::engine

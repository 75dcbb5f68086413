#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "base/url.h"
#include "temporal/engine/limits.h"
#include "temporal/engine/mutable_state.h"

// What one workflow does to another that it knows by its id: signals and requests to cancel.

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

constexpr std::string_view kServer = "history-service";
constexpr std::string_view kRunIdRemedy = "It has to be a UUID; leave it empty for the current run.";

api::common::v1::WorkflowExecution execution_of(const Run& run) {
  api::common::v1::WorkflowExecution execution;
  execution.set_workflow_id(run.state().workflow_id());
  execution.set_run_id(run.run_id());
  return execution;
}

std::string request_id_of(const Run& sender, const pb::Delivery& delivery) {
  return concat(sender.run_id(), ":", delivery.initiated_event_id());
}

template <class Attributes>
void fill_outcome(Attributes& attributes, const pb::Delivery& delivery) {
  attributes.set_namespace_(delivery.namespace_());
  attributes.set_namespace_id(delivery.namespace_());
  attributes.mutable_workflow_execution()->set_workflow_id(delivery.workflow_id());
  attributes.mutable_workflow_execution()->set_run_id(delivery.run_id());
  attributes.set_initiated_event_id(delivery.initiated_event_id());
}

}  // namespace

// --- the sender ------------------------------------------------------------------------------------------------------

std::optional<Run::TaskFailure> Run::signal_external(const Command& command) {
  const auto& given = command.signal_external_workflow_execution_command_attributes();
  if (given.execution().workflow_id().empty() || given.signal_name().empty()) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       concat("BadSignalWorkflowExecutionAttributes: ",
                              given.signal_name().empty() ? "SignalName" : "WorkflowId", " is not set on command.")};
  }
  constexpr auto kBad = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES;
  if (given.execution().workflow_id().size() > kIdLimit || given.signal_name().size() > kIdLimit) {
    return TaskFailure{kBad, concat("BadSignalWorkflowExecutionAttributes: ",
                                    given.signal_name().size() > kIdLimit ? "SignalName" : "WorkflowId",
                                    " on SignalExternalWorkflowExecutionCommand exceeds length limit. Limit=", kIdLimit)};
  }
  if (!given.execution().run_id().empty() && !is_uuid(to_lower(given.execution().run_id()))) {
    return TaskFailure{kBad, concat("BadSignalWorkflowExecutionAttributes: Invalid RunId set on "
                                    "SignalExternalWorkflowExecutionCommand. ",
                                    kRunIdRemedy)};
  }
  if (is_too_large(given.input())) {
    return TaskFailure{kBad,
                       "BadSignalWorkflowExecutionAttributes: SignalExternalWorkflowExecutionCommandAttributes.Input "
                       "exceeds size limit.",
                       true};
  }
  if (pending_deliveries(pb::Delivery::SIGNAL) >= kPendingLimit) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_PENDING_SIGNALS_LIMIT_EXCEEDED,
                       concat("PendingSignalsLimitExceeded: the number of pending signals to external workflows, ",
                              kPendingLimit, ", has reached the per-workflow limit of ", kPendingLimit)};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED, command);
  auto& attributes = *event.mutable_signal_external_workflow_execution_initiated_event_attributes();
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  attributes.set_namespace_id(state_.namespace_());  // to reach into another is deprecated; a real server names none here
  *attributes.mutable_workflow_execution() = given.execution();
  attributes.set_signal_name(given.signal_name());
  if (given.has_input()) *attributes.mutable_input() = given.input();
  attributes.set_child_workflow_only(given.child_workflow_only());
  if (given.has_header()) *attributes.mutable_header() = given.header();

  pb::Delivery& delivery = *state_.add_deliveries();
  delivery.set_kind(pb::Delivery::SIGNAL);
  delivery.set_namespace_(state_.namespace_());
  delivery.set_workflow_id(given.execution().workflow_id());
  delivery.set_run_id(given.execution().run_id());
  delivery.set_initiated_event_id(event.event_id());
  delivery.set_child_only(given.child_workflow_only());
  *delivery.mutable_signal() = attributes;
  return std::nullopt;
}

std::optional<Run::TaskFailure> Run::cancel_external(const Command& command) {
  const auto& given = command.request_cancel_external_workflow_execution_command_attributes();
  if (given.workflow_id().empty()) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "BadRequestCancelExternalWorkflowExecutionAttributes: WorkflowId is not set on command."};
  }
  if (!given.run_id().empty() && !is_uuid(to_lower(given.run_id()))) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       concat("BadRequestCancelExternalWorkflowExecutionAttributes: Invalid RunId set on "
                              "RequestCancelExternalWorkflowExecutionCommand. ",
                              kRunIdRemedy)};
  }
  if (pending_deliveries(pb::Delivery::CANCEL) >= kPendingLimit) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED,
                       concat("PendingRequestCancelLimitExceeded: the number of pending requests to cancel external "
                              "workflows, ",
                              kPendingLimit, ", has reached the per-workflow limit of ", kPendingLimit)};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED, command);
  auto& attributes = *event.mutable_request_cancel_external_workflow_execution_initiated_event_attributes();
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  attributes.set_namespace_id(state_.namespace_());  // to reach into another is deprecated; a real server names none here
  attributes.mutable_workflow_execution()->set_workflow_id(given.workflow_id());
  attributes.mutable_workflow_execution()->set_run_id(given.run_id());
  attributes.set_child_workflow_only(given.child_workflow_only());
  attributes.set_reason(given.reason());

  pb::Delivery& delivery = *state_.add_deliveries();
  delivery.set_kind(pb::Delivery::CANCEL);
  delivery.set_namespace_(state_.namespace_());
  delivery.set_workflow_id(given.workflow_id());
  delivery.set_run_id(given.run_id());
  delivery.set_initiated_event_id(event.event_id());
  delivery.set_child_only(given.child_workflow_only());
  delivery.set_reason(given.reason());
  return std::nullopt;
}

int Run::pending_deliveries(pb::Delivery::Kind kind) const {
  return static_cast<int>(std::ranges::count(state_.deliveries(), kind, &pb::Delivery::kind));
}

void Run::write_signal_outcome(const pb::Delivery& delivery, const Status& outcome) {
  if (!running()) return;
  if (outcome.ok()) {
    HistoryEvent& event = add_event(enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED);
    auto& attributes = *event.mutable_external_workflow_execution_signaled_event_attributes();
    fill_outcome(attributes, delivery);
  } else {
    HistoryEvent& event = add_event(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED);
    auto& attributes = *event.mutable_signal_external_workflow_execution_failed_event_attributes();
    fill_outcome(attributes, delivery);
    attributes.set_cause(reason_of(outcome) == "NAMESPACE_NOT_FOUND"
                             ? enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND
                             : enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  }
  want_task();
}

void Run::write_cancel_outcome(const pb::Delivery& delivery, const Status& outcome) {
  if (!running() || delivery.initiated_event_id() == 0) return;
  if (outcome.ok()) {
    HistoryEvent& event = add_event(enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED);
    fill_outcome(*event.mutable_external_workflow_execution_cancel_requested_event_attributes(), delivery);
  } else {
    HistoryEvent& event = add_event(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED);
    auto& attributes = *event.mutable_request_cancel_external_workflow_execution_failed_event_attributes();
    fill_outcome(attributes, delivery);
    attributes.set_cause(reason_of(outcome) == "NAMESPACE_NOT_FOUND"
                             ? enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND
                             : enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  }
  want_task();
}

// --- the target ------------------------------------------------------------------------------------------------------

Result<bool> Run::signal_from(const Run& sender, const pb::Delivery& delivery) {
  const std::string request_id = request_id_of(sender, delivery);
  const auto& seen = state_.signal_request_ids();
  if (std::ranges::find(seen, request_id) != seen.end()) return false;
  if (!running()) return not_found("workflow execution already completed");
  if (!may_be_signalled()) return invalid_argument("exceeded workflow execution limit for signal events");
  state_.set_signals(state_.signals() + 1);
  state_.add_signal_request_ids(request_id);
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
  auto& attributes = *event.mutable_workflow_execution_signaled_event_attributes();
  attributes.set_signal_name(delivery.signal().signal_name());
  if (delivery.signal().has_input()) *attributes.mutable_input() = delivery.signal().input();
  if (delivery.signal().has_header()) *attributes.mutable_header() = delivery.signal().header();
  attributes.set_identity(std::string(kServer));
  *attributes.mutable_external_workflow_execution() = execution_of(sender);
  want_task();
  return true;
}

bool Run::request_cancel_from(const Run& sender, const pb::Delivery& delivery) {
  if (!running() || state_.cancel_requested()) return false;
  state_.set_cancel_requested(true);
  state_.set_cancel_request_id(request_id_of(sender, delivery));
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED);
  auto& attributes = *event.mutable_workflow_execution_cancel_requested_event_attributes();
  attributes.set_cause(delivery.reason());
  attributes.set_identity(std::string(kServer));
  attributes.set_external_initiated_event_id(delivery.initiated_event_id());
  *attributes.mutable_external_workflow_execution() = execution_of(sender);
  state_.clear_first_task_at();
  want_task();
  return true;
}

}  // namespace reliant::temporal::engine

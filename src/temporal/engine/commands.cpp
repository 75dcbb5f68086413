#include <string>
#include <utility>

#include "base/text.h"
#include "temporal/engine/limits.h"
#include "temporal/engine/mutable_state.h"

// The commands of a completed workflow task, apart from those of activities, timers and other workflows. Each writes one event, or is
// the reason why the whole task fails instead.

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

Run::TaskFailure unhandled_command() { return {enums::WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, "UnhandledCommand"}; }

// A payload without data and metadata of "nothing" deletes the key, as on the real server.
bool is_nothing(const api::common::v1::Payload& payload) {
  const auto found = payload.metadata().find("encoding");
  return payload.data().empty() && (found == payload.metadata().end() || found->second == "binary/null");
}

template <class Fields>
void merge(Fields& into, const Fields& from) {
  for (const auto& [key, payload] : from) {
    if (is_nothing(payload)) {
      into.erase(key);
    } else {
      into[key] = payload;
    }
  }
}

}  // namespace

HistoryEvent& Run::add_command_event(EventType type, const Command& command) {
  HistoryEvent& event = add_event(type);
  if (command.has_user_metadata()) *event.mutable_user_metadata() = command.user_metadata();
  *event.mutable_event_group_markers() = command.event_group_markers();
  return event;
}

std::optional<Run::TaskFailure> Run::apply(const Command& command, std::string_view identity) {
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK:
      return schedule_activity(command);
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK:
      return request_cancel_activity(command, identity);
    case enums::COMMAND_TYPE_START_TIMER:
      return start_timer(command);
    case enums::COMMAND_TYPE_CANCEL_TIMER:
      return cancel_timer(command, identity);
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      return complete_workflow(command);
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
      return fail_workflow(command);
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      return cancel_workflow(command);
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      return continue_as_new(command);
    case enums::COMMAND_TYPE_RECORD_MARKER:
      return record_marker(command);
    case enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
    case enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES:
      return upsert(command);
    case enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION:
      return start_child(command);
    case enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION:
      return signal_external(command);
    case enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION:
      return cancel_external(command);
    default:
      return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_FEATURE_DISABLED,
                         concat("FeatureDisabled: the embedded engine does not support the command ",
                                enums::CommandType_Name(command.command_type()))};
  }
}

std::optional<Run::TaskFailure> Run::complete_workflow(const Command& command) {
  if (buffer_blocks_close_) return unhandled_command();
  const auto& given = command.complete_workflow_execution_command_attributes();
  if (is_too_large(given.result())) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_COMPLETE_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "BadCompleteWorkflowExecutionAttributes: CompleteWorkflowExecutionCommandAttributes.Result "
                       "exceeds size limit.",
                       true};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, command);
  auto& attributes = *event.mutable_workflow_execution_completed_event_attributes();
  if (given.has_result()) *attributes.mutable_result() = given.result();
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  close(enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  return std::nullopt;
}

std::optional<Run::TaskFailure> Run::fail_workflow(const Command& command) {
  const auto& given = command.fail_workflow_execution_command_attributes();
  if (!given.has_failure()) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "BadFailWorkflowExecutionAttributes: Failure is not set on FailWorkflowExecutionCommand."};
  }
  if (buffer_blocks_close_) return unhandled_command();
  if (is_too_large(given.failure())) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "BadFailWorkflowExecutionAttributes: FailWorkflowExecutionCommandAttributes.Failure exceeds size "
                       "limit.",
                       true};
  }
  auto retry_state = enums::RETRY_STATE_UNSPECIFIED;
  const std::string next = retry_as_new_run(given.failure(), retry_state);
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, command);
  auto& attributes = *event.mutable_workflow_execution_failed_event_attributes();
  *attributes.mutable_failure() = given.failure();
  attributes.set_retry_state(retry_state);
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  attributes.set_new_execution_run_id(next);
  close(enums::WORKFLOW_EXECUTION_STATUS_FAILED);
  return std::nullopt;
}

std::optional<Run::TaskFailure> Run::cancel_workflow(const Command& command) {
  if (buffer_blocks_close_) return unhandled_command();
  const auto& given = command.cancel_workflow_execution_command_attributes();
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED, command);
  auto& attributes = *event.mutable_workflow_execution_canceled_event_attributes();
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  if (given.has_details()) *attributes.mutable_details() = given.details();
  close(enums::WORKFLOW_EXECUTION_STATUS_CANCELED);
  return std::nullopt;
}

std::optional<Run::TaskFailure> Run::continue_as_new(const Command& command) {
  const auto& given = command.continue_as_new_workflow_execution_command_attributes();
  if (!given.cron_schedule().empty()) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES,
                       "BadContinueAsNewAttributes: the embedded engine does not support cron_schedule"};
  }
  if (buffer_blocks_close_) return unhandled_command();
  if (is_too_large(given.input()) || is_too_large(given.memo())) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES,
                       concat("BadContinueAsNewAttributes: ContinueAsNewWorkflowExecutionCommandAttributes. ",
                              is_too_large(given.input()) ? "Input" : "Memo", " exceeds size limit."),
                       true};
  }
  // Type, queue and timeouts that the command leaves out are inherited, the rest is not.
  StartedAttributes next = started_;
  next.clear_retry_policy();
  next.clear_header();
  next.clear_memo();
  next.clear_search_attributes();
  next.clear_last_completion_result();
  if (!given.workflow_type().name().empty()) *next.mutable_workflow_type() = given.workflow_type();
  if (!given.task_queue().name().empty()) next.mutable_task_queue()->set_name(given.task_queue().name());
  next.clear_input();
  if (given.has_input()) *next.mutable_input() = given.input();
  if (nanos(given.workflow_run_timeout()) > 0) *next.mutable_workflow_run_timeout() = given.workflow_run_timeout();
  if (nanos(given.workflow_task_timeout()) > 0) *next.mutable_workflow_task_timeout() = given.workflow_task_timeout();
  if (given.has_retry_policy()) {
    *next.mutable_retry_policy() = given.retry_policy();
    complete_retry_policy(*next.mutable_retry_policy());
  }
  if (given.has_header()) *next.mutable_header() = given.header();
  if (given.has_memo()) *next.mutable_memo() = given.memo();
  if (given.has_search_attributes()) *next.mutable_search_attributes() = given.search_attributes();
  if (given.has_last_completion_result()) *next.mutable_last_completion_result() = given.last_completion_result();
  next.clear_continued_failure();
  if (given.has_failure()) *next.mutable_continued_failure() = given.failure();
  next.set_initiator(given.initiator() == enums::CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED
                         ? enums::CONTINUE_AS_NEW_INITIATOR_WORKFLOW
                         : given.initiator());
  next.set_attempt(1);
  next.clear_identity();  // no client starts it

  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, command);
  auto& attributes = *event.mutable_workflow_execution_continued_as_new_event_attributes();
  *attributes.mutable_workflow_type() = next.workflow_type();
  *attributes.mutable_task_queue() = next.task_queue();
  if (next.has_input()) *attributes.mutable_input() = next.input();
  *attributes.mutable_workflow_run_timeout() = next.workflow_run_timeout();
  *attributes.mutable_workflow_task_timeout() = next.workflow_task_timeout();
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  if (given.has_backoff_start_interval()) *attributes.mutable_backoff_start_interval() = given.backoff_start_interval();
  attributes.set_initiator(given.initiator());
  if (next.has_last_completion_result()) *attributes.mutable_last_completion_result() = next.last_completion_result();
  if (next.has_header()) *attributes.mutable_header() = next.header();
  if (next.has_memo()) *attributes.mutable_memo() = next.memo();
  if (next.has_search_attributes()) *attributes.mutable_search_attributes() = next.search_attributes();
  attributes.set_new_execution_run_id(make_next(std::move(next), nanos(given.backoff_start_interval())));
  close(enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW);
  return std::nullopt;
}

std::optional<Run::TaskFailure> Run::record_marker(const Command& command) {
  const auto& given = command.record_marker_command_attributes();
  if (given.marker_name().empty()) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_RECORD_MARKER_ATTRIBUTES,
                       "BadRecordMarkerAttributes: MarkerName is not set on RecordMarkerCommand."};
  }
  std::size_t bytes = 0;
  for (const auto& [key, details] : given.details()) bytes += key.size() + details.ByteSizeLong();
  if (bytes > kBlobLimit) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_RECORD_MARKER_ATTRIBUTES,
                       "BadRecordMarkerAttributes: RecordMarkerCommandAttributes.Details exceeds size limit.", true};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_MARKER_RECORDED, command);
  auto& attributes = *event.mutable_marker_recorded_event_attributes();
  attributes.set_marker_name(given.marker_name());
  *attributes.mutable_details() = given.details();
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  if (given.has_header()) *attributes.mutable_header() = given.header();
  if (given.has_failure()) *attributes.mutable_failure() = given.failure();
  return std::nullopt;
}

std::optional<Run::TaskFailure> Run::upsert(const Command& command) {
  if (command.command_type() == enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES) {
    const auto& given = command.modify_workflow_properties_command_attributes();
    if (is_too_large(given.upserted_memo())) {
      return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES,
                         "BadModifyWorkflowPropertiesAttributes: ModifyWorkflowPropertiesCommandAttributes exceeds size "
                         "limit.",
                         true};
    }
    HistoryEvent& event = add_command_event(enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED, command);
    auto& attributes = *event.mutable_workflow_properties_modified_event_attributes();
    attributes.set_workflow_task_completed_event_id(completed_event_id_);
    if (given.has_upserted_memo()) *attributes.mutable_upserted_memo() = given.upserted_memo();
    merge(*state_.mutable_memo()->mutable_fields(), given.upserted_memo().fields());
    changes_.visible_changed = true;
    return std::nullopt;
  }
  const auto& given = command.upsert_workflow_search_attributes_command_attributes();
  if (!check_search_attributes(given.search_attributes()).ok()) {
    return TaskFailure{
        enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES,
        concat("BadSearchAttributes: total size of search attributes exceeds size limit ", kSearchAttributesLimit)};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, command);
  auto& attributes = *event.mutable_upsert_workflow_search_attributes_event_attributes();
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  *attributes.mutable_search_attributes() = given.search_attributes();
  merge(*state_.mutable_search_attributes()->mutable_indexed_fields(), given.search_attributes().indexed_fields());
  changes_.visible_changed = true;
  return std::nullopt;
}

}  // namespace reliant::temporal::engine

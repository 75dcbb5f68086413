#include "temporal/command_queue.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/json.h"
#include "temporal/payload.h"

namespace reliant::temporal {
namespace {

namespace enums = ::temporal::api::enums::v1;

// "COMMAND_TYPE_START_TIMER" is "StartTimer" in what people read.
std::string camel(std::string_view words) {
  std::string out;
  bool upper = true;
  for (const char c : words) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out.push_back(upper || c < 'A' || c > 'Z' ? c : static_cast<char>(c - 'A' + 'a'));
    upper = false;
  }
  return out;
}

std::string without_prefix(const std::string& name, std::string_view prefix) {
  return camel(name.starts_with(prefix) ? std::string_view(name).substr(prefix.size()) : std::string_view(name));
}

Status mismatch(std::string message) {
  return with_reason(failed_precondition("nondeterminism: ", message), kReasonNondeterminism);
}

// Commands that this worker never sends; a history that has their events was made by other code.
bool is_foreign_command_event(enums::EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
    case enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
    case enums::EVENT_TYPE_NEXUS_OPERATION_SCHEDULED:
    case enums::EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string describe(const CommandKey& key) {
  if (key.kind == enums::COMMAND_TYPE_UNSPECIFIED) return concat("the command of ", key.type);
  std::string out = without_prefix(enums::CommandType_Name(key.kind), "COMMAND_TYPE_");
  if (!key.id.empty()) out += concat(" ", key.id);
  if (!key.type.empty()) out += concat(" of type ", key.type);
  return out;
}

std::string name_of(const HistoryEvent& event) {
  return without_prefix(enums::EventType_Name(event.event_type()), "EVENT_TYPE_");
}

std::optional<std::string> patch_of(const HistoryEvent& event) {
  const auto& marker = event.marker_recorded_event_attributes();
  if (marker.marker_name() != kPatchMarker) return std::nullopt;
  const auto found = marker.details().find(std::string(kPatchDetail));
  if (found == marker.details().end()) return std::nullopt;
  const auto data = parse_json(json_text(found->second).value_or(""));
  if (!data.ok()) return std::nullopt;
  JsonReader reader(*data);
  std::string id = reader.required_string("id");
  if (!reader.finish_ignoring_unknown().ok()) return std::nullopt;
  return id;
}

Command patch_command(std::string_view id) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_RECORD_MARKER);
  auto& attributes = *command.mutable_record_marker_command_attributes();
  attributes.set_marker_name(std::string(kPatchMarker));
  (*attributes.mutable_details())[std::string(kPatchDetail)] =
      json_payloads(to_json(json::object{{"id", id}, {"deprecated", false}}));
  return command;
}

std::optional<CommandKey> key_of(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
      const auto& scheduled = event.activity_task_scheduled_event_attributes();
      return CommandKey{enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK, scheduled.activity_id(), scheduled.activity_type().name()};
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED: {
      const auto& requested = event.activity_task_cancel_requested_event_attributes();
      return CommandKey{enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK, concat(requested.scheduled_event_id()), ""};
    }
    case enums::EVENT_TYPE_TIMER_STARTED:
      return CommandKey{enums::COMMAND_TYPE_START_TIMER, event.timer_started_event_attributes().timer_id(), ""};
    case enums::EVENT_TYPE_TIMER_CANCELED:
      return CommandKey{enums::COMMAND_TYPE_CANCEL_TIMER, event.timer_canceled_event_attributes().timer_id(), ""};
    case enums::EVENT_TYPE_MARKER_RECORDED:
      if (const auto patch = patch_of(event)) return CommandKey{enums::COMMAND_TYPE_RECORD_MARKER, *patch, ""};
      return CommandKey{enums::COMMAND_TYPE_UNSPECIFIED, "", name_of(event)};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
      return CommandKey{enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION, "", ""};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
      return CommandKey{enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION, "", ""};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return CommandKey{enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION, "", ""};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      return CommandKey{enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION, "", ""};
    default:
      if (!is_foreign_command_event(event.event_type())) return std::nullopt;
      return CommandKey{enums::COMMAND_TYPE_UNSPECIFIED, "", name_of(event)};
  }
}

bool is_close_event(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      return true;
    default:
      return false;
  }
}

void CommandQueue::drop(const CommandKey& key) {
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  RELIANT_ASSERT(found != entries_.end(), "only a command that is still here is dropped");
  entries_.erase(found);
}

std::vector<Command> CommandQueue::commands() const {
  std::vector<Command> out;
  out.reserve(entries_.size());
  for (const Entry& entry : entries_) out.push_back(entry.command);
  return out;
}

Status CommandQueue::match(const CommandKey& key, const HistoryEvent& event) {
  if (entries_.empty())
    return mismatch(
        concat("event ", event.event_id(), " is the result of ", describe(key), ", which the workflow's code did not ask for"));
  if (entries_.front().key != key)
    return mismatch(concat("event ", event.event_id(), " is the result of ", describe(key),
                           ", but the workflow's code asked for ", describe(entries_.front().key)));
  entries_.pop_front();
  return ok_status();
}

Status CommandQueue::expect_empty(const HistoryEvent& event) const {
  if (entries_.empty()) return ok_status();
  return mismatch(concat("the workflow's code asked for ", describe(entries_.front().key),
                         ", but the history goes on with event ", event.event_id(), ", ", name_of(event)));
}

}  // namespace reliant::temporal

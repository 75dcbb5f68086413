#include "workflow/chat_activities.h"

#include <utility>

#include "base/text.h"

namespace reliant::workflow {
namespace {

json::string text(std::string_view value) { return json::string(value.data(), value.size()); }

Status first_error(const Status& status, JsonReader& reader) {
  const Status finished = reader.finish();
  return finished.ok() ? status : finished;
}

json::object object_of(const MessageSignal& value) {
  json::object out;
  out["message_id"] = text(value.message.str());
  out["sequence"] = value.sequence;
  if (value.again) out["again"] = true;
  return out;
}

Result<MessageSignal> signal_from(const json::value& value, std::string path) {
  JsonReader reader(value, std::move(path));
  MessageSignal out;
  out.message = MessageId(reader.required_string("message_id"));
  out.sequence = reader.required_count("sequence");
  out.again = reader.optional_bool("again", false);
  TRY_OK(reader.finish());
  return out;
}

json::object object_of(const PlannedToolCall& value) {
  json::object out;
  out["id"] = text(value.call.id.str());
  out["tool"] = text(value.call.tool);
  if (value.stored) {
    out["stored"] = true;
  } else {
    out["arguments"] = text(value.call.arguments);
  }
  out["timeout_ms"] = value.timeout_ms;
  return out;
}

Result<PlannedToolCall> planned_from(const json::value& value, std::string path) {
  JsonReader reader(value, std::move(path));
  PlannedToolCall out;
  out.call.id = ToolCallId(reader.required_string("id"));
  out.call.tool = reader.required_string("tool");
  out.stored = reader.optional_bool("stored", false);
  if (!out.stored) out.call.arguments = reader.required_string("arguments");
  out.timeout_ms = reader.required_int("timeout_ms");
  TRY_OK(reader.finish());
  return out;
}

// The input that every activity of a turn receives.
template <class Input>
json::object turn_object(const Input& value) {
  json::object out;
  out["user"] = text(value.user.str());
  out["chat"] = text(value.chat.str());
  out["turn"] = text(value.turn.str());
  return out;
}

template <class Input>
void read_turn(JsonReader& reader, Input& out) {
  out.user = UserId(reader.required_string("user"));
  out.chat = ChatId(reader.required_string("chat"));
  out.turn = MessageId(reader.required_string("turn"));
}

// The elements of an optional array, each read by `read(value, path)`.
template <class T>
Status read_array(const json::value* value, std::string_view key, Result<T> (*read)(const json::value&, std::string),
                  std::vector<T>& out) {
  if (value == nullptr) return ok_status();
  const json::array* array = value->if_array();
  if (array == nullptr) return invalid_field(key, concat("field \"", key, "\" must be a list"));
  for (const json::value& element : *array) {
    TRY_ASSIGN(T item, read(element, concat(key, "[", out.size(), "]")));
    out.push_back(std::move(item));
  }
  return ok_status();
}

}  // namespace

std::string chat_workflow_id(const ChatId& chat) { return concat("chat-", chat.str()); }

std::string to_json_text(const MessageSignal& value) { return to_json(object_of(value)); }

template <>
Result<MessageSignal> from_json_text(std::string_view input) {
  TRY_ASSIGN(const json::value value, parse_json(input));
  return signal_from(value, "");
}

std::string to_json_text(const ChatInput& value) {
  json::object out;
  out["user"] = text(value.user.str());
  out["chat"] = text(value.chat.str());
  if (value.last_sequence != 0) out["last_sequence"] = value.last_sequence;
  json::array pending;
  for (const MessageSignal& message : value.pending) pending.push_back(object_of(message));
  if (!pending.empty()) out["pending"] = std::move(pending);
  return to_json(out);
}

template <>
Result<ChatInput> from_json_text(std::string_view input) {
  TRY_ASSIGN(const json::value value, parse_json(input));
  JsonReader reader(value);
  ChatInput out;
  out.user = UserId(reader.required_string("user"));
  out.chat = ChatId(reader.required_string("chat"));
  out.last_sequence = reader.optional_count("last_sequence").value_or(0);
  const Status status = read_array(reader.optional_value("pending"), "pending", &signal_from, out.pending);
  TRY_OK(first_error(status, reader));
  return out;
}

std::string to_json_text(const CallModelInput& value) {
  json::object out = turn_object(value);
  out["step"] = value.step;
  out["through_sequence"] = value.through_sequence;
  return to_json(out);
}

template <>
Result<CallModelInput> from_json_text(std::string_view input) {
  TRY_ASSIGN(const json::value value, parse_json(input));
  JsonReader reader(value);
  CallModelInput out;
  read_turn(reader, out);
  out.step = reader.required_int("step");
  out.through_sequence = reader.required_count("through_sequence");
  TRY_OK(reader.finish());
  return out;
}

std::string to_json_text(const CallModelOutput& value) {
  json::object out;
  out["message_id"] = text(value.message.str());
  json::array calls;
  for (const PlannedToolCall& call : value.tool_calls) calls.push_back(object_of(call));
  out["tool_calls"] = std::move(calls);
  if (value.finished) out["finished"] = true;
  return to_json(out);
}

template <>
Result<CallModelOutput> from_json_text(std::string_view input) {
  TRY_ASSIGN(const json::value value, parse_json(input));
  JsonReader reader(value);
  CallModelOutput out;
  out.message = MessageId(reader.required_string("message_id"));
  out.finished = reader.optional_bool("finished", false);
  const Status status = read_array(reader.optional_value("tool_calls"), "tool_calls", &planned_from, out.tool_calls);
  TRY_OK(first_error(status, reader));
  return out;
}

std::string to_json_text(const RunToolInput& value) {
  json::object out = turn_object(value);
  out["step"] = value.step;
  out["index"] = value.index;
  out["call"] = object_of(value.planned);
  return to_json(out);
}

template <>
Result<RunToolInput> from_json_text(std::string_view input) {
  TRY_ASSIGN(const json::value value, parse_json(input));
  JsonReader reader(value);
  RunToolInput out;
  read_turn(reader, out);
  out.step = reader.required_int("step");
  out.index = reader.required_int("index");
  const json::value* call = reader.optional_value("call");
  TRY_OK(reader.finish());
  if (call == nullptr) return invalid_field("call", "field \"call\" is missing; send an object");
  TRY_ASSIGN(out.planned, planned_from(*call, "call"));
  return out;
}

std::string to_json_text(const RunToolOutput& value) {
  json::object out;
  out["outcome"] = text(model::to_string(value.outcome));
  out["is_error"] = value.is_error;
  return to_json(out);
}

template <>
Result<RunToolOutput> from_json_text(std::string_view input) {
  TRY_ASSIGN(const json::value value, parse_json(input));
  JsonReader reader(value);
  RunToolOutput out;
  out.outcome = model::outcome_from(reader.required_string("outcome"));
  out.is_error = reader.optional_bool("is_error", false);
  TRY_OK(reader.finish());
  return out;
}

std::string to_json_text(const FinishTurnInput& value) {
  json::object out = turn_object(value);
  out["status"] = text(model::to_string(value.status));
  if (value.error) {
    json::object error;
    error["code"] = text(value.error->code);
    error["message"] = text(value.error->message);
    out["error"] = std::move(error);
  }
  out["through_sequence"] = value.through_sequence;
  if (value.minimal) out["minimal"] = true;
  return to_json(out);
}

template <>
Result<FinishTurnInput> from_json_text(std::string_view input) {
  TRY_ASSIGN(const json::value value, parse_json(input));
  JsonReader reader(value);
  FinishTurnInput out;
  read_turn(reader, out);
  out.status = model::chat_status_from(reader.required_string("status"));
  out.through_sequence = reader.required_count("through_sequence");
  const json::value* error = reader.optional_value("error");
  out.minimal = reader.optional_bool("minimal", false);
  TRY_OK(reader.finish());
  if (error != nullptr) {
    JsonReader error_reader(*error, "error");
    out.error.emplace();
    out.error->code = error_reader.required_string("code");
    out.error->message = error_reader.required_string("message");
    TRY_OK(error_reader.finish());
  }
  return out;
}

std::string to_json_text(const ChatState& value) {
  json::object out;
  out["turns"] = value.turns;
  out["step"] = value.step;
  out["pending"] = value.pending;
  out["last_sequence"] = value.last_sequence;
  return to_json(out);
}

template <>
Result<ChatState> from_json_text(std::string_view input) {
  TRY_ASSIGN(const json::value value, parse_json(input));
  JsonReader reader(value);
  ChatState out;
  out.turns = reader.required_int("turns");
  out.step = reader.required_int("step");
  out.pending = reader.required_int("pending");
  out.last_sequence = reader.required_count("last_sequence");
  TRY_OK(reader.finish());
  return out;
}

}  // namespace reliant::workflow

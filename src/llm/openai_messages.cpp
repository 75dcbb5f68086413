#include "llm/openai_messages.h"

#include <charconv>
#include <optional>

#include "base/utf8.h"

namespace reliant::llm {

namespace {

constexpr std::size_t kMostCalls = 256;            // of one answer: each is an activity, side by side
constexpr std::size_t kLongestName = 200;          // bytes of a tool's name, and of a call's id
constexpr std::size_t kShownOfABody = 200;         // bytes of an error page that is not the API's
constexpr std::size_t kShownOfAComplaint = 2'000;  // bytes of what the API says

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// What the API leaves out and what it sends as null are the same.
const json::value* member(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(json::string_view(key.data(), key.size()));
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::optional<std::string> text_member(const json::value& value, std::string_view key) {
  const json::value* found = member(value, key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string(view(found->get_string()));
}

std::int64_t int_member(const json::value& value, std::string_view key, std::int64_t fallback) {
  const json::value* found = member(value, key);
  return found != nullptr && found->is_int64() ? found->get_int64() : fallback;
}

json::object assistant_message(const model::Content& content) {
  json::object message{{"role", "assistant"}};
  const std::string text = model::text_of(content);
  message["content"] = text.empty() ? json::value(nullptr) : json::value(text);
  json::array calls;
  for (const model::ToolCall& call : model::tool_calls_of(content)) {
    calls.push_back(json::object{{"id", call.id.str()},
                                 {"type", "function"},
                                 {"function", json::object{{"name", call.tool}, {"arguments", call.arguments}}}});
  }
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  return message;
}

void append_messages(json::array& messages, const ModelMessage& message) {
  if (message.role == model::Role::kAssistant) {
    messages.push_back(assistant_message(message.content));
    return;
  }
  for (const model::ContentBlock& block : message.content) {  // results have to follow their calls, so they go first
    const auto* result = std::get_if<model::ToolResultBlock>(&block);
    if (result == nullptr) continue;
    messages.push_back(
        json::object{{"role", "tool"}, {"tool_call_id", result->call.str()}, {"content", result->result.content}});
  }
  const std::string text = model::text_of(message.content);
  if (!text.empty()) messages.push_back(json::object{{"role", "user"}, {"content", text}});
}

// What a provider says of an error, in its JSON: {"error":{"message":...,"code":...,"type":...}}.
struct Complaint {
  std::string message;
  std::string code;
};

Complaint complaint_of(const json::value& error) {
  if (error.is_string()) return {std::string(view(error.get_string())), ""};
  Complaint complaint{text_member(error, "message").value_or(""), text_member(error, "code").value_or("")};
  if (complaint.code.empty()) complaint.code = text_member(error, "type").value_or("");
  return complaint;
}

StatusCode code_of(int status, const Complaint& complaint) {
  if (complaint.code == "context_length_exceeded") return StatusCode::kFailedPrecondition;
  if (complaint.code == "insufficient_quota") return StatusCode::kFailedPrecondition;  // waiting does not help
  switch (status) {
    case 401:
      return StatusCode::kUnauthenticated;
    case 402:
      return StatusCode::kFailedPrecondition;
    case 403:
      return StatusCode::kPermissionDenied;
    case 408:
    case 409:
    case 425:
      return StatusCode::kUnavailable;
    case 429:
      return StatusCode::kResourceExhausted;
    default:
      return status >= 500 ? StatusCode::kUnavailable : StatusCode::kInvalidArgument;
  }
}

// Of an error inside of a stream, which has no HTTP status.
int status_of(const Complaint& complaint) {
  if (complaint.code == "rate_limit_exceeded" || complaint.code == "rate_limit_error") return 429;
  if (complaint.code == "invalid_request_error") return 400;
  if (complaint.code == "authentication_error" || complaint.code == "invalid_api_key") return 401;
  return 500;
}

// Seconds, perhaps with a fraction. A date is not understood: it would need the wall clock.
Duration retry_after(const ports::HttpHeaders& headers) {
  const auto header = headers.find("retry-after");
  if (header == headers.end()) return Duration::zero();
  double seconds = 0;
  const char* end = header->second.data() + header->second.size();
  const auto parsed = std::from_chars(header->second.data(), end, seconds);
  if (parsed.ec != std::errc() || parsed.ptr != end || !(seconds > 0 && seconds < 86'400)) return Duration::zero();
  return Duration(static_cast<Duration::rep>(seconds * 1e9));
}

Status not_understood(std::string_view what) { return unavailable("the model provider's answer is not understood: ", what); }

}  // namespace

Result<std::string> openai_request(const ModelRequest& request, std::string_view model) {
  json::array messages;
  if (!request.system_prompt.empty()) {
    messages.push_back(json::object{{"role", "system"}, {"content", request.system_prompt}});
  }
  for (const ModelMessage& message : request.messages) append_messages(messages, message);
  json::object body{{"model", std::string(model)},
                    {"messages", std::move(messages)},
                    {"stream", true},
                    {"stream_options", json::object{{"include_usage", true}}}};
  json::array tools;
  for (const ToolDescription& tool : request.tools) {
    const auto parameters = parse_json(tool.parameters);
    if (!parameters.ok()) {
      return invalid_argument("the parameters of the tool ", tool.name, " are ", message_of(parameters.status()));
    }
    tools.push_back(json::object{
        {"type", "function"},
        {"function", json::object{{"name", tool.name}, {"description", tool.description}, {"parameters", *parameters}}}});
  }
  if (!tools.empty()) body["tools"] = std::move(tools);
  return to_json(body);
}

Result<std::string> OpenAiAnswer::add(std::string_view data) {
  if (done_) return std::string();
  if (data == "[DONE]") {
    done_ = true;
    return std::string();
  }
  bytes_ += data.size();
  const Result<json::value> event = parse_json(data);
  if (!event.ok()) return not_understood(message_of(event.status()));
  if (!event->is_object()) return not_understood("an event is no JSON object");
  if (const json::value* error = member(*event, "error")) {
    const Complaint complaint = complaint_of(*error);
    return make_status(code_of(status_of(complaint), complaint), "the model provider says: ", complaint.message);
  }
  if (const json::value* usage = member(*event, "usage")) {
    input_tokens_ = int_member(*usage, "prompt_tokens", input_tokens_);
    output_tokens_ = int_member(*usage, "completion_tokens", output_tokens_);
  }
  const json::value* choices = member(*event, "choices");
  if (choices == nullptr || !choices->is_array() || choices->get_array().empty()) return std::string();
  const json::value& choice = choices->get_array().front();
  if (auto reason = text_member(choice, "finish_reason")) finish_reason_ = *std::move(reason);
  const json::value* delta = member(choice, "delta");
  if (delta == nullptr) return std::string();
  if (const json::value* calls = member(*delta, "tool_calls")) TRY_OK(add_calls(*calls));
  std::string added = text_member(*delta, "content").value_or("");
  text_ += added;
  if (text_.size() > max_bytes_ || bytes_ / 64 > max_bytes_) {
    return failed_precondition("the model's answer is larger than ", max_bytes_, " bytes");
  }
  return added;
}

Status OpenAiAnswer::add_calls(const json::value& calls) {
  if (!calls.is_array()) return not_understood("\"tool_calls\" is no list");
  for (const json::value& part : calls.get_array()) {
    const std::int64_t index = int_member(part, "index", static_cast<std::int64_t>(calls_.size()));
    Call& call = calls_[index];
    if (auto id = text_member(part, "id"); id && !id->empty()) call.id = *std::move(id);
    const json::value* function = member(part, "function");
    if (function == nullptr) continue;
    if (call.tool.empty()) call.tool = text_member(*function, "name").value_or("");
    call.arguments += text_member(*function, "arguments").value_or("");
    if (call.arguments.size() > max_bytes_) {
      return failed_precondition("the arguments of a tool call are larger than ", max_bytes_, " bytes");
    }
  }
  return ok_status();
}

Result<ModelAnswer> OpenAiAnswer::finish() const {
  if (finish_reason_.empty()) return unavailable("the model's answer broke off before its end");
  if (finish_reason_ == "content_filter") {
    return failed_precondition("the model provider's content filter has stopped the answer");
  }
  ModelAnswer answer;
  answer.input_tokens = input_tokens_;
  answer.output_tokens = output_tokens_;
  if (!text_.empty()) answer.content.push_back(model::TextBlock{text_});
  if (calls_.size() > kMostCalls) {
    return failed_precondition("the model makes ", calls_.size(), " tool calls in one answer; at most ", kMostCalls,
                               " are taken");
  }
  for (const auto& [index, call] : calls_) {
    const std::string arguments = call.arguments.empty() ? "{}" : call.arguments;
    const Result<json::value> parsed = parse_json(arguments);
    if (!parsed.ok() && finish_reason_ == "length") {
      return failed_precondition("the model's token limit has cut off a call of ", call.tool);
    }
    if (!parsed.ok() || !parsed->is_object()) {
      return unavailable("the model calls ", call.tool, " with arguments that are no JSON object");
    }
    if (call.tool.empty()) return unavailable("the model calls a tool without a name");
    // Some servers give no ids; the place in the answer is as good within a turn.
    ToolCallId id(call.id.empty() || call.id.size() > kLongestName ? concat("call_", index) : call.id);
    answer.content.push_back(
        model::ToolCallBlock{model::ToolCall{std::move(id), text_from_bytes(call.tool, kLongestName), arguments}});
  }
  return answer;
}

Status openai_error(int status, const ports::HttpHeaders& headers, std::string_view body) {
  Complaint complaint;
  const Result<json::value> parsed = parse_json(body);
  if (const json::value* error = parsed.ok() ? member(*parsed, "error") : nullptr) complaint = complaint_of(*error);
  // An error page of a proxy may be of any encoding, or compressed.
  complaint.message =
      complaint.message.empty() ? text_from_bytes(body, kShownOfABody) : text_from_bytes(complaint.message, kShownOfAComplaint);
  Status out = make_status(code_of(status, complaint), "the model provider answered ", status, ": ",
                           complaint.message.empty() ? "no reason given" : complaint.message);
  const Duration delay = retry_after(headers);
  return delay == Duration::zero() ? out : with_retry_after(std::move(out), delay);
}

}  // namespace reliant::llm

// Reading a model's script.
#include <algorithm>
#include <array>

#include "base/url.h"
#include "base/yaml.h"
#include "llm/scripted_provider.h"

namespace reliant::llm {

namespace {

// Everything that a {{...}} may be, checked when the script is read.
Status check_references(const YamlNode& node, std::string_view text) {
  for (std::size_t from = text.find("{{"); from != std::string_view::npos; from = text.find("{{", from)) {
    const std::size_t end = text.find("}}", from);
    if (end == std::string_view::npos) return node.error("\"{{\" without \"}}\"");
    const std::string_view name = text.substr(from + 2, end - from - 2);
    constexpr std::array<std::string_view, 4> kWords = {"user", "result", "step", "conversation"};
    const std::string_view number = name.starts_with("result.") ? name.substr(7) : std::string_view();
    const bool indexed =
        !number.empty() && number.size() < 4 && number.find_first_not_of("0123456789") == std::string_view::npos;
    if (!indexed && std::ranges::find(kWords, name) == kWords.end()) {
      return node.error(concat("\"{{", name, "}}\" is unknown; use user, result, result.N, step or conversation"));
    }
    from = end;
  }
  return ok_status();
}

Result<json::value> to_value(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return json::value(nullptr);
    case YamlNode::Kind::kList: {
      json::array items;
      for (const YamlNode& item : node.items) {
        TRY_ASSIGN(json::value value, to_value(item));
        items.push_back(std::move(value));
      }
      return json::value(std::move(items));
    }
    case YamlNode::Kind::kMap: {
      json::object fields;
      for (const YamlNode& field : node.fields) {
        TRY_ASSIGN(json::value value, to_value(field));
        fields[field.key] = std::move(value);
      }
      return json::value(std::move(fields));
    }
    case YamlNode::Kind::kScalar:
      break;
  }
  if (const auto truth = node.as_bool(); truth.ok()) return json::value(*truth);
  if (const auto number = node.as_int(); number.ok()) return json::value(*number);
  if (const auto number = node.as_double(); number.ok()) return json::value(*number);
  TRY_OK(check_references(node, node.scalar));
  return json::value(node.scalar);
}

Result<Duration> milliseconds(YamlReader& reader, const YamlNode& node, std::string_view key) {
  const std::int64_t count = reader.optional_int(key, 0);
  if (count < 0 || count > 3'600'000) return node.error(concat("\"", key, "\" must be from 0 to 3600000"));
  return Duration(std::chrono::milliseconds(count));
}

Result<ScriptedCall> read_call(const YamlNode& node) {
  YamlReader reader(node);
  ScriptedCall call;
  call.tool = reader.required_string("tool");
  if (const YamlNode* arguments = reader.optional_node("arguments")) {
    if (arguments->kind != YamlNode::Kind::kMap) return arguments->error("\"arguments\" must be a map");
    TRY_ASSIGN(json::value value, to_value(*arguments));
    call.arguments = std::move(value.as_object());
  }
  TRY_OK(reader.finish());
  if (call.tool.empty()) return node.error("\"tool\" must be the name of a tool");
  return call;
}

Result<ScriptedError> read_error(const YamlNode& node) {
  YamlReader reader(node);
  ScriptedError error;
  const std::string code = reader.required_string("code");
  error.message = reader.optional_string("message", "simulated by the script");
  error.times = reader.optional_int("times", 0);
  TRY_ASSIGN(error.retry_after, milliseconds(reader, node, "retry_after_ms"));
  TRY_OK(reader.finish());
  error.code = code_from_name(code);
  if (code_name(error.code) != code || code == "OK") {
    return node.error(concat("\"", code,
                             "\" is no error code; write UNAVAILABLE, RESOURCE_EXHAUSTED, "
                             "INVALID_ARGUMENT, UNAUTHENTICATED or another canonical code"));
  }
  if (error.times < 0) return node.error("\"times\" must not be negative");
  return error;
}

Result<ScriptedStep> read_step(const YamlNode& node) {
  YamlReader reader(node);
  ScriptedStep step;
  step.text = reader.optional_string("text");
  step.chunk_chars = reader.optional_int("chunk_chars", step.chunk_chars);
  TRY_ASSIGN(step.delay, milliseconds(reader, node, "delay_ms"));
  TRY_ASSIGN(step.chunk_delay, milliseconds(reader, node, "chunk_delay_ms"));
  const YamlNode* calls = reader.optional_node("calls");
  const YamlNode* error = reader.optional_node("error");
  TRY_OK(reader.finish());
  TRY_OK(check_references(node, step.text));
  if (step.chunk_chars < 0) return node.error("\"chunk_chars\" must not be negative");
  if (calls != nullptr) {
    if (calls->kind != YamlNode::Kind::kList) return calls->error("\"calls\" must be a list");
    for (const YamlNode& item : calls->items) {
      TRY_ASSIGN(ScriptedCall call, read_call(item));
      step.calls.push_back(std::move(call));
    }
  }
  if (error != nullptr) {
    TRY_ASSIGN(step.error, read_error(*error));
  }
  const bool answers = !step.text.empty() || !step.calls.empty();
  if (!answers && !step.error) return node.error("a step needs \"text\", \"calls\" or \"error\"");
  if (step.error && (step.error->times > 0) != answers) {
    return error->error(answers ? "\"times\" is missing: an error that always comes leaves no room for an answer"
                                : "\"times\" needs a \"text\" or \"calls\" for the attempt that succeeds");
  }
  return step;
}

Result<ScriptedAnswer> read_answer(const YamlNode& node) {
  YamlReader reader(node);
  ScriptedAnswer answer;
  answer.when = to_lower(reader.optional_string("when"));
  const YamlNode* steps = reader.optional_node("steps");
  TRY_OK(reader.finish());
  if (steps == nullptr || steps->kind != YamlNode::Kind::kList || steps->items.empty()) {
    return node.error("\"steps\" must be a list of at least one step");
  }
  for (const YamlNode& item : steps->items) {
    TRY_ASSIGN(ScriptedStep step, read_step(item));
    answer.steps.push_back(std::move(step));
  }
  return answer;
}

}  // namespace

Result<std::unique_ptr<ScriptedProvider>> ScriptedProvider::parse(std::string_view yaml, std::string_view file) {
  TRY_ASSIGN(const YamlNode root, parse_yaml(yaml, file));
  YamlReader reader(root);
  std::string name = reader.optional_string("name", "scripted");
  const YamlNode* list = reader.optional_node("answers");
  TRY_OK(reader.finish());
  if (list == nullptr || list->kind != YamlNode::Kind::kList || list->items.empty()) {
    return root.error("\"answers\" must be a list of at least one answer");
  }
  std::vector<ScriptedAnswer> answers;
  for (const YamlNode& item : list->items) {
    TRY_ASSIGN(ScriptedAnswer answer, read_answer(item));
    if (!answers.empty() && answers.back().when.empty()) {
      return item.error("this answer is never used: the one before it has no \"when\"");
    }
    answers.push_back(std::move(answer));
  }
  return std::unique_ptr<ScriptedProvider>(new ScriptedProvider(std::move(name), std::string(file), std::move(answers)));
}

std::string_view scripted_model_schema() {
  return R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "A scripted model",
  "type": "object", "additionalProperties": false, "required": ["answers"],
  "properties": {
    "name": {"type": "string"},
    "answers": {"type": "array", "minItems": 1, "items": {
      "type": "object", "additionalProperties": false, "required": ["steps"],
      "properties": {
        "when": {"type": "string", "description": "in the user's last message, any case; absent: always"},
        "steps": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}}
      }
    }}
  },
  "$defs": {
    "milliseconds": {"type": "integer", "minimum": 0, "maximum": 3600000},
    "step": {
      "type": "object", "additionalProperties": false,
      "anyOf": [{"required": ["text"]}, {"required": ["calls"]}, {"required": ["error"]}],
      "properties": {
        "text": {"type": "string",
          "description": "may hold {{user}}, {{result}}, {{result.N}}, {{step}}, {{conversation}}"},
        "chunk_chars": {"type": "integer", "minimum": 0, "default": 16},
        "delay_ms": {"$ref": "#/$defs/milliseconds"},
        "chunk_delay_ms": {"$ref": "#/$defs/milliseconds"},
        "calls": {"type": "array", "items": {
          "type": "object", "additionalProperties": false, "required": ["tool"],
          "properties": {"tool": {"type": "string", "minLength": 1}, "arguments": {"type": "object"}}
        }},
        "error": {
          "type": "object", "additionalProperties": false, "required": ["code"],
          "properties": {
            "code": {"enum": ["CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
              "ALREADY_EXISTS", "PERMISSION_DENIED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
              "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]},
            "message": {"type": "string"},
            "times": {"type": "integer", "minimum": 0, "description": "0 or absent: always"},
            "retry_after_ms": {"$ref": "#/$defs/milliseconds"}
          }
        }
      }
    }
  }
})";
}

}  // namespace reliant::llm

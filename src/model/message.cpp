#include "model/message.h"

#include "base/text.h"

namespace reliant::model {
namespace {

json::object block_to_json(const TextBlock& block) { return {{"type", "text"}, {"text", block.text}}; }

json::object block_to_json(const ToolCallBlock& block) {
  auto arguments = parse_json(block.call.arguments);
  return {{"type", "tool_call"},
          {"id", block.call.id.str()},
          {"tool", block.call.tool},
          {"arguments", arguments.ok() ? *std::move(arguments) : json::value(block.call.arguments)}};
}

json::object block_to_json(const ToolResultBlock& block) {
  const std::string_view outcome = to_string(block.result.outcome);
  return {{"type", "tool_result"},
          {"id", block.call.str()},
          {"outcome", json::string(outcome.data(), outcome.size())},
          {"is_error", block.result.is_error},
          {"content", block.result.content},
          {"exit_code", block.result.exit_code},
          {"output_chunks", block.result.output_chunks}};
}

Result<ContentBlock> block_from_json(const json::value& value) {
  JsonReader reader(value, "content");
  const std::string type = reader.required_string("type");
  if (type == "text") {
    TextBlock block{reader.required_string("text")};
    TRY_OK(reader.finish());
    return ContentBlock(std::move(block));
  }
  if (type == "tool_call") {
    ToolCallBlock block;
    block.call.id = ToolCallId(reader.required_string("id"));
    block.call.tool = reader.required_string("tool");
    const json::value* arguments = reader.optional_value("arguments");
    if (arguments) {
      const json::string* text = arguments->if_string();  // what the model sent was not JSON
      block.call.arguments = text ? std::string(text->data(), text->size()) : reliant::to_json(*arguments);
    }
    TRY_OK(reader.finish());
    return ContentBlock(std::move(block));
  }
  if (type == "tool_result") {
    ToolResultBlock block;
    block.call = ToolCallId(reader.required_string("id"));
    block.result.outcome = outcome_from(reader.required_string("outcome"));
    block.result.is_error = reader.optional_bool("is_error", false);
    block.result.content = reader.required_string("content");
    block.result.exit_code = reader.optional_int("exit_code").value_or(0);
    block.result.output_chunks = reader.optional_count("output_chunks").value_or(0);
    TRY_OK(reader.finish());
    return ContentBlock(std::move(block));
  }
  return invalid_field("content.type", concat("content block type \"", type, "\" is unknown"));
}

}  // namespace

json::array to_json(const Content& content) {
  json::array array;
  for (const ContentBlock& block : content) array.push_back(std::visit([](const auto& b) { return block_to_json(b); }, block));
  return array;
}

Result<Content> content_from_json(const json::value& value) {
  const json::array* array = value.if_array();
  if (!array) return invalid_field("content", "must be a list of content blocks");
  Content content;
  for (const json::value& item : *array) {
    TRY_ASSIGN(auto block, block_from_json(item));
    content.push_back(std::move(block));
  }
  return content;
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  return "user";
}

Result<Role> role_from(std::string_view word) {
  for (Role role : {Role::kUser, Role::kAssistant, Role::kTool})
    if (word == to_string(role)) return role;
  return invalid_field("role", concat("role \"", word, "\" is none of user, assistant, tool"));
}

std::string text_of(const Content& content) {
  std::string text;
  for (const ContentBlock& block : content)
    if (const auto* part = std::get_if<TextBlock>(&block)) text += part->text;
  return text;
}

std::vector<ToolCall> tool_calls_of(const Content& content) {
  std::vector<ToolCall> calls;
  for (const ContentBlock& block : content)
    if (const auto* part = std::get_if<ToolCallBlock>(&block)) calls.push_back(part->call);
  return calls;
}

}  // namespace reliant::model

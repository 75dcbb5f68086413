// A chat's messages. A message is a list of content blocks; stored and sent as a JSON array of objects with "type".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "model/tool.h"

namespace reliant::model {

enum class Role : std::uint8_t { kUser, kAssistant, kTool };

struct TextBlock {  // {"type":"text","text":...}
  std::string text;
  friend bool operator==(const TextBlock&, const TextBlock&) = default;
};

struct ToolCallBlock {  // {"type":"tool_call","id":...,"tool":...,"arguments":{...}}
  ToolCall call;
  friend bool operator==(const ToolCallBlock&, const ToolCallBlock&) = default;
};

struct ToolResultBlock {  // {"type":"tool_result","id":...,"outcome":...,"is_error":...,"content":...,"exit_code":...}
  ToolCallId call;
  ToolResult result;
  friend bool operator==(const ToolResultBlock&, const ToolResultBlock&) = default;
};

using ContentBlock = std::variant<TextBlock, ToolCallBlock, ToolResultBlock>;
using Content = std::vector<ContentBlock>;

json::array to_json(const Content& content);
Result<Content> content_from_json(const json::value& value);

std::string_view to_string(Role role);
Result<Role> role_from(std::string_view word);

// All text blocks of a message, joined.
std::string text_of(const Content& content);
std::vector<ToolCall> tool_calls_of(const Content& content);

}  // namespace reliant::model

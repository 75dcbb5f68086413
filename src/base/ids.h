// Identifiers are types, not strings: a chat id cannot be handed where a user id is expected. An id is an opaque,
// non-empty text; `valid_id` tells what the outside may send, so that an id is also a safe bus-subject token (C41),
// file name and log word.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

namespace reliant {

template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string text) : text_(std::move(text)) {}
  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend auto operator<=>(const Id&, const Id&) = default;
  friend bool operator==(const Id&, const Id&) = default;

 private:
  std::string text_;
};

using UserId = Id<struct UserTag>;
using TokenId = Id<struct TokenTag>;
using ProjectId = Id<struct ProjectTag>;
using ChatId = Id<struct ChatTag>;
using MessageId = Id<struct MessageTag>;
using DaemonId = Id<struct DaemonTag>;
using GatewayId = Id<struct GatewayTag>;
using ToolCallId = Id<struct ToolCallTag>;  // given by the model, unique inside one chat turn only
using RequestId = Id<struct RequestTag>;    // one tool execution, for ever (C7)

inline constexpr std::size_t kMaxIdLength = 128;

// [A-Za-z0-9_-]{1,128}: nothing that a subject, a path or a log line could read as syntax.
constexpr bool valid_id(std::string_view text) {
  if (text.empty() || text.size() > kMaxIdLength) return false;
  for (char c : text) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!word && c != '_' && c != '-') return false;
  }
  return true;
}

}  // namespace reliant

// What a client sees of a chat, in order. Every chat has one sequence without gaps (1, 2, 3 …); each update takes the
// next number in the transaction that makes it true, and is announced only after that (R58): written first,
// published second. A client resumes with the last number it saw (R40).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace reliant::model {

enum class UpdateKind : std::uint8_t {
  kMessage,       // "message": a whole message was stored; payload: the message
  kMessageChunk,  // "message_chunk": {"message_id","text"}: the assistant's answer while it is written
  kToolStarted,   // "tool_started": {"id","tool","arguments"}
  kToolOutput,    // "tool_output": {"id","chunk","text"}, chunk = 1, 2, 3 …
  kToolFinished,  // "tool_finished": {"id","tool","outcome","is_error","content","exit_code"}
  kModelRetry,    // "model_retry": {"attempt","code","message","next_in_ms"}: the model did not answer, and is asked again then
  kStatus,        // "status": {"status": a ChatStatus, "error"?: {"code","message"}}
};

enum class ChatStatus : std::uint8_t { kIdle, kRunning, kFailed, kCancelled };

struct Update {
  ChatId chat;
  std::uint64_t sequence = 0;
  UpdateKind kind = UpdateKind::kStatus;
  std::string payload;  // a JSON object

  friend bool operator==(const Update&, const Update&) = default;
};

std::string_view to_string(UpdateKind kind);
UpdateKind update_kind_from(std::string_view word);
std::string_view to_string(ChatStatus status);
ChatStatus chat_status_from(std::string_view word);

}  // namespace reliant::model

// A tool call and what came of it, as the whole system speaks of it: the model asks (ToolCall), the worker makes a
// request of it (ToolRequest), a daemon or a server runs it and answers (ToolResult).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"

namespace reliant::model {

enum class RunsOn : std::uint8_t { kServer, kDaemon, kAnywhere };  // R41

// What running it a second time would do (C7).
enum class Effect : std::uint8_t { kReadOnly, kIdempotent, kNonIdempotent };

// Whether a request is written down before the tool runs: as a row of the store, and in the daemon's journal. One that is not
// recorded may run again, on any daemon, when its answer is lost (C7).
enum class Durability : std::uint8_t { kRecorded, kUnrecorded };

// C6, C7: what we know, honestly. kUnknown is never turned into another run of a non-idempotent tool.
enum class Outcome : std::uint8_t { kExecuted, kNotExecuted, kUnknown };

struct ToolCall {
  ToolCallId id;
  std::string tool;
  std::string arguments;  // a JSON object

  friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

struct ToolRequest {
  RequestId id;  // the same for every attempt: a daemon that receives it twice must not run it twice (C7)
  UserId user;
  DaemonId daemon;
  ChatId chat;
  ToolCallId call;
  std::string tool;
  std::string arguments;          // a JSON object
  std::string working_directory;  // absolute, the project's path; "" = the daemon's own
  Effect effect = Effect::kNonIdempotent;
  std::int64_t timeout_ms = 120'000;  // of the run itself

  friend bool operator==(const ToolRequest&, const ToolRequest&) = default;
};

struct ToolResult {
  Outcome outcome = Outcome::kExecuted;
  bool is_error = false;            // the tool ran and failed, or could not run
  std::string content;              // what the model receives
  std::int64_t exit_code = 0;       // shell tools; 0 otherwise
  std::uint64_t output_chunks = 0;  // how many numbered chunks were streamed before

  friend bool operator==(const ToolResult&, const ToolResult&) = default;
};

// A result that the system makes in the place of a tool.
inline ToolResult error_result(Outcome outcome, std::string content) { return {outcome, true, std::move(content), 0, 0}; }

// The request id of C7: the same for every try of one tool call, different for everything else. `turn` and `place` (the step
// and the index of the call) say which call of the chat it is, in any run of its workflow.
RequestId make_request_id(std::string_view workflow_id, std::string_view turn, std::string_view place, const ToolCallId& call);

Durability durability_of(Effect effect);  // kUnrecorded: it only reads

std::string_view to_string(RunsOn);
std::string_view to_string(Effect);
std::string_view to_string(Outcome);
Effect effect_from(std::string_view word);    // unknown word: kNonIdempotent, the careful reading
Outcome outcome_from(std::string_view word);  // unknown word: kUnknown

}  // namespace reliant::model

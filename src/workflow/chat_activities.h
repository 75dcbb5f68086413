// What the chat workflow and its activities say to each other (R19, R20): names, and the JSON of every input
// and output. The workflow decides what happens next; the activities touch the world, and live with the
// worker role.
//
// Every activity may run more than once (a retry, a worker that died after its work and before its answer):
// what it writes is keyed so that it is written once. `turn` is the id of the user message that began the
// turn, so it is unique for the life of the chat, over all runs of its workflow; `step` counts the model's
// answers in a turn from 1.
//
// Conversation of a turn: a user message belongs to it when its sequence is at most `through_sequence`. Later
// ones are already stored, but they are the next turn's. A turn that ends early (cancelled, failed) may leave
// tool calls without a result: finish_turn writes one for each, so that no later turn meets an open call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/status.h"
#include "model/tool.h"
#include "model/update.h"

namespace reliant::workflow {

inline constexpr std::string_view kChatWorkflowType = "ChatWorkflow";
inline constexpr std::string_view kChatTaskQueue = "chats";    // where workers wait for it
inline constexpr std::string_view kMessageSignal = "message";  // MessageSignal
inline constexpr std::string_view kCancelSignal = "cancel";    // {}: stops everything that was asked before it
inline constexpr std::string_view kStateQuery = "state";       // answers ChatState

inline constexpr std::string_view kCallModel = "call_model";    // CallModelInput -> CallModelOutput
inline constexpr std::string_view kRunTool = "run_tool";        // RunToolInput -> RunToolOutput
inline constexpr std::string_view kFinishTurn = "finish_turn";  // FinishTurnInput -> {}

// "chat-<chat id>": one workflow a chat.
std::string chat_workflow_id(const ChatId& chat);

struct MessageSignal {
  MessageId message;
  std::uint64_t sequence = 0;  // in the chat; a sequence that was seen before is ignored
  // The run that had it was lost. That run, or a later one that was lost too, may have begun a turn with it:
  // it is a turn of its own.
  bool again = false;

  friend bool operator==(const MessageSignal&, const MessageSignal&) = default;
};

// The input of ChatWorkflow. Its starter gives user and chat; the rest is carried from run to run.
struct ChatInput {
  UserId user;
  ChatId chat;
  std::uint64_t last_sequence = 0;     // of the last message taken, of any run before
  std::vector<MessageSignal> pending;  // taken and not yet answered, oldest first

  friend bool operator==(const ChatInput&, const ChatInput&) = default;
};

// Bytes of arguments that the result of one call_model carries.
inline constexpr std::size_t kInlineArguments = 64 * 1024;

// Loads the conversation, asks the model (streaming message_chunk updates), stores the assistant's message
// under (chat, turn, step), and with one that calls no tool the end of the turn. A retry that finds the
// message stored returns its tool calls and does not ask again.
struct CallModelInput {
  UserId user;
  ChatId chat;
  MessageId turn;
  std::int64_t step = 1;
  std::uint64_t through_sequence = 0;

  friend bool operator==(const CallModelInput&, const CallModelInput&) = default;
};

struct PlannedToolCall {
  model::ToolCall call;
  // The arguments are left out here: run_tool reads them from the stored answer. Those of one answer that are larger than
  // kInlineArguments in all would come too near to the 2 MiB that Temporal takes as one payload.
  bool stored = false;
  std::int64_t timeout_ms = 120'000;  // of the run itself; the workflow adds what routing may take

  friend bool operator==(const PlannedToolCall&, const PlannedToolCall&) = default;
};

struct CallModelOutput {
  MessageId message;  // the assistant's
  std::vector<PlannedToolCall> tool_calls;
  // The turn is over, and nothing is left to do: this answer ended it, or it was over before, because the
  // signal came again, into a later run of the workflow. False says nothing: finish_turn of a turn that is
  // over changes nothing.
  bool finished = false;

  friend bool operator==(const CallModelOutput&, const CallModelOutput&) = default;
};

// Runs one tool call. The request id is make_request_id(workflow id, turn, step and index, call id), the
// same for every attempt and in every run of the workflow. A result that is stored under (chat, turn, step, index)
// is the answer, and nothing is run. Stores tool_started, tool_finished and the
// tool-result message under (chat, turn, step, index). A tool that failed is an OK answer with is_error; a
// status is for what may be tried again (UNAVAILABLE: daemon away, answer lost).
struct RunToolInput {
  UserId user;
  ChatId chat;
  MessageId turn;
  std::int64_t step = 1;
  std::int64_t index = 0;  // among the tool calls of the answer; their results stand in this order
  PlannedToolCall planned;

  friend bool operator==(const RunToolInput&, const RunToolInput&) = default;
};

struct RunToolOutput {
  model::Outcome outcome = model::Outcome::kExecuted;
  bool is_error = false;

  friend bool operator==(const RunToolOutput&, const RunToolOutput&) = default;
};

struct TurnError {
  std::string code;  // a status code's name
  std::string message;

  friend bool operator==(const TurnError&, const TurnError&) = default;
};

// Writes the chat's status, once a turn. NOT_FOUND: the chat is gone. A chat with a user message after `through_sequence` stays `running`:
// its turn follows.
struct FinishTurnInput {
  UserId user;
  ChatId chat;
  MessageId turn;
  model::ChatStatus status = model::ChatStatus::kIdle;  // kIdle, kFailed or kCancelled
  std::optional<TurnError> error;                       // with kFailed
  std::uint64_t through_sequence = 0;
  // The second try, after the first was refused for good: it writes the status whatever else cannot be written.
  bool minimal = false;

  friend bool operator==(const FinishTurnInput&, const FinishTurnInput&) = default;
};

// The answer of the query "state".
struct ChatState {
  std::int64_t turns = 0;  // finished in this run
  std::int64_t step = 0;   // of the running turn; 0 between turns
  std::int64_t pending = 0;
  std::uint64_t last_sequence = 0;

  friend bool operator==(const ChatState&, const ChatState&) = default;
};

// The JSON text of each, and back; what is wrong with an input is INVALID_ARGUMENT naming the field.
std::string to_json_text(const MessageSignal& value);
std::string to_json_text(const ChatInput& value);
std::string to_json_text(const CallModelInput& value);
std::string to_json_text(const CallModelOutput& value);
std::string to_json_text(const RunToolInput& value);
std::string to_json_text(const RunToolOutput& value);
std::string to_json_text(const FinishTurnInput& value);
std::string to_json_text(const ChatState& value);

// Specialised for the types above: from_json_text<RunToolInput>(input).
template <class T>
Result<T> from_json_text(std::string_view text);

template <>
Result<MessageSignal> from_json_text(std::string_view text);
template <>
Result<ChatInput> from_json_text(std::string_view text);
template <>
Result<CallModelInput> from_json_text(std::string_view text);
template <>
Result<CallModelOutput> from_json_text(std::string_view text);
template <>
Result<RunToolInput> from_json_text(std::string_view text);
template <>
Result<RunToolOutput> from_json_text(std::string_view text);
template <>
Result<FinishTurnInput> from_json_text(std::string_view text);
template <>
Result<ChatState> from_json_text(std::string_view text);

}  // namespace reliant::workflow

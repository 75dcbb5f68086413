// Messages and updates of a chat: one sequence without gaps, every number taken in the transaction that
// writes what it numbers (R40, R58). The appending code publishes `last_sequence` on the UpdateHub afterwards.
//
// Everything that may be retried has a key, and the same key again answers with what is stored: a user
// message its client_message_id, an assistant message and a tool result the key of their turn and step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/message.h"
#include "model/tool.h"
#include "model/update.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/page.h"
#include "store/transact.h"

namespace reliant::store {

struct Message {
  MessageId id;
  ChatId chat;
  std::uint64_t sequence = 0;
  model::Role role = model::Role::kUser;
  model::Content content;
  WallTime created_at;
  std::string key;  // of an assistant message or a tool result: what it was appended under
  // What is stored cannot be read back; the content is one text block that says so. It hinders nothing else of the chat.
  bool damaged = false;
};

struct Appended {
  Message message;
  std::uint64_t last_sequence = 0;  // of the chat, after this
  bool duplicate = false;           // it was stored before, and this is what is stored; nothing else was written
};

struct UserMessage {
  UserId user;
  ChatId chat;
  std::string text;
  std::string client_message_id;  // "" = the client does not retry
  std::int64_t most_running = 0;  // chats of the user at once (C50); 0 = no limit
};

// Reason of the error when an attempt writes for a turn that has already ended.
inline constexpr std::string_view kReasonTurnOver = "TURN_OVER";

struct AssistantMessage {
  UserId user;
  ChatId chat;
  std::string key;  // the same for every attempt of the step
  MessageId id;     // which its chunks were sent under; empty: a new one
  model::Content content;
  // The last message of the user that its turn answers. A turn that has ended takes no more answers: FAILED_PRECONDITION,
  // kReasonTurnOver. Nullopt: whatever has ended.
  std::optional<std::uint64_t> answers = {};
  // It is the turn's last answer: the chat's status follows in the same transaction, as Chats::set_status
  // writes it.
  bool ends_turn = false;
};

struct ToolResultMessage {
  UserId user;
  ChatId chat;
  std::string key;
  ToolCallId call;
  std::string tool;
  model::ToolResult result;
  // Of a call that was given up, outcome unknown: if the end of this request is known after all by the time of writing, it is
  // what the model receives (C7). Empty: none.
  RequestId given_up = {};
};

// What the attempts of one step write while it is under way. It only goes forward: an update whose attempt and position are
// not beyond the last one's is left out, so that nothing is written twice, and an attempt that was given up but lives on
// cannot write into what a later one writes. It is over once its step has a message.
struct UpdateStream {
  std::string key;           // the step's; the same for every attempt
  std::int64_t attempt = 0;  // 0: every attempt writes the same updates, and goes on where the one before was
};

struct NewUpdate {
  model::UpdateKind kind = model::UpdateKind::kMessageChunk;
  std::string payload;        // a JSON object
  std::int64_t position = 0;  // in the stream, ascending
};

// A message that was accepted, and whose signal to the workflow may not have been sent.
struct Unsignalled {
  UserId user;
  ChatId chat;
  MessageId message;
  std::uint64_t sequence = 0;
};

// A chat of somebody else is NOT_FOUND. Every method may fail as Transactor does.
class Messages {
 public:
  explicit Messages(Transactor& transactor) : transactor_(transactor) {}

  // The message, its update, and, when the chat was not running, the status and its update. The message
  // counts as not signalled. ALREADY_EXISTS (field client_message_id): it was used for another text.
  Task<Result<Appended>> append_user_message(UserMessage message, Instant deadline);
  Task<Result<Appended>> append_assistant_message(AssistantMessage message, Instant deadline);
  // The update tool_finished, the message with the result, and its update. What is answered is the message as it is stored.
  Task<Result<Appended>> append_tool_result(ToolResultMessage message, Instant deadline);

  // Of an assistant message or a tool result, by its key. Nullopt: not stored yet.
  Task<Result<std::optional<Message>>> find(UserId user, ChatId chat, std::string key, Instant deadline);
  // Those with a higher sequence than `after`, in order.
  Task<Result<std::vector<Message>>> list(UserId user, ChatId chat, std::uint64_t after, std::size_t limit, Instant deadline);

  // The same, by bytes, too.
  Task<Result<Slice<Message>>> slice(UserId user, ChatId chat, std::uint64_t after, SliceLimits limits, Instant deadline);

  Task<Status> mark_signalled(MessageId message, Instant deadline);  // idempotent
  // Accepted at least `age` ago, or so far in the future (calendars differ), oldest first, of all users: for the sweeper of
  // the api.
  Task<Result<std::vector<Unsignalled>>> unsignalled(Duration age, std::size_t limit, Instant deadline);

 private:
  Transactor& transactor_;
};

class Updates {
 public:
  explicit Updates(Transactor& transactor) : transactor_(transactor) {}

  // At least one. Those that are new, in one transaction, in order. The chat's last sequence.
  Task<Result<std::uint64_t>> append(UserId user, ChatId chat, UpdateStream stream, std::vector<NewUpdate> updates,
                                     Instant deadline);
  // Those with a higher sequence than `after`, in order.
  Task<Result<std::vector<model::Update>>> list(UserId user, ChatId chat, std::uint64_t after, std::size_t limit,
                                                Instant deadline);
  // The same, by bytes, too.
  Task<Result<Slice<model::Update>>> slice(UserId user, ChatId chat, std::uint64_t after, SliceLimits limits, Instant deadline);

 private:
  Transactor& transactor_;
};

// {"id","role","sequence","content":[…],"created_at"}, and "damaged":true if it is: in updates, and where a message is shown.
json::object json_of(const Message& message);

}  // namespace reliant::store

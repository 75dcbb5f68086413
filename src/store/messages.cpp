#include "store/messages.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "store/chat_rows.h"
#include "store/execution_rows.h"
#include "store/message_rows.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

// How the keys of steps and of clients are kept apart in one column.
constexpr std::string_view kStepKey = "step:";

#define MESSAGE_COLUMNS "m.id, m.chat_id, m.sequence, m.role, m.content, m.created_at, m.dedup_key"

json::string json_text(std::string_view text) { return json::string(text.data(), text.size()); }

std::string content_text(const model::Content& content) { return to_json(json::value(model::to_json(content))); }

}  // namespace

// An older version may have stored bytes that are not UTF-8.
Result<model::Content> content_from(const std::string& stored) {
  TRY_ASSIGN(const json::value parsed, parse_json(is_valid_utf8(stored) ? stored : text_from_bytes(stored)));
  return model::content_from_json(parsed);
}

namespace {

// What is stored was written here, so content that cannot be read means that the database is damaged. The
// rest of the chat is not: the message keeps its place, and says what is wrong with it.
Message message_from(const Row& row) {
  Message message;
  message.id = MessageId(row.text(0));
  message.chat = ChatId(row.text(1));
  message.sequence = static_cast<std::uint64_t>(row.integer(2));
  message.created_at = wall_time(row.integer(5));
  const std::string key = row.text_or(6, "");
  if (key.starts_with(kStepKey)) message.key = key.substr(kStepKey.size());
  const auto role = model::role_from(row.text(3));
  message.role = role.value_or(model::Role::kAssistant);
  auto content = role.ok() ? content_from(row.text(4)) : role.status();
  message.damaged = !content.ok();
  message.content =
      content.ok()
          ? *std::move(content)
          : model::Content{model::TextBlock{concat("[This message is damaged: the database holds what cannot be read back (",
                                                   message_of(content.status()), ").]")}};
  return message;
}

// Nullopt: the chat has no message with this key. NOT_FOUND: the user has no such chat.
Task<Result<std::optional<Appended>>> stored_message(Transaction& transaction, UserId user, ChatId chat, std::string key) {
  CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT " MESSAGE_COLUMNS ", c.last_sequence FROM chats c "
                                                              "LEFT JOIN messages m ON m.chat_id = c.id AND m.dedup_key = $3 "
                                                              "WHERE c.id = $1 AND c.user_id = $2",
                                                              {chat.str(), user.str(), std::move(key)}));
  if (rows.empty()) co_return no_chat(chat);
  if (rows[0].is_null(0)) co_return std::optional<Appended>();
  co_return Appended{message_from(rows[0]), static_cast<std::uint64_t>(rows[0].integer(7)), true};
}

// With its update, behind `before` if there is one.
Task<Status> insert_message(Transaction& transaction, Message message, std::string key, bool signalled,
                            std::optional<model::Update> before = std::nullopt) {
  CO_TRY_OK((co_await transaction.execute(
                 "INSERT INTO messages (id, chat_id, sequence, role, content, dedup_key, signalled, created_at) "
                 "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                 {message.id.str(), message.chat.str(), static_cast<std::int64_t>(message.sequence),
                  std::string(model::to_string(message.role)), content_text(message.content), std::move(key),
                  std::int64_t{signalled}, microseconds_of(message.created_at)}))
                .status());
  model::Update update{message.chat, message.sequence, model::UpdateKind::kMessage, to_json(json_of(message))};
  if (before) co_return co_await insert_updates(transaction, *std::move(before), std::move(update));
  co_return co_await insert_update(transaction, std::move(update));
}

// What a message takes in the database: it is stored as itself and in an update, a tool's result in two of them.
std::size_t bytes_of(const Message& message) {
  std::size_t bytes = 2 * model::text_of(message.content).size();
  for (const auto& block : message.content)
    if (const auto* const result = std::get_if<model::ToolResultBlock>(&block)) bytes += 3 * result->result.content.size();
  return bytes;
}

struct AppendUserMessage {
  using Value = Appended;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own key
  UserId user;
  Message message;
  std::string key;
  std::int64_t most_running = 0;

  const std::string& contended() const { return message.chat.str(); }
  Task<Result<Appended>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const auto stored, co_await stored_message(transaction, user, message.chat, key));
    if (stored) co_return same_text(*stored);
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("UPDATE chats SET last_sequence = last_sequence + "
                                               "CASE WHEN status = 'running' THEN 1 ELSE 2 END, bytes = bytes + $2 "
                                               "WHERE id = $1 RETURNING last_sequence, status",
                                               {message.chat.str(), static_cast<std::int64_t>(bytes_of(message))}));
    Appended appended{message, static_cast<std::uint64_t>(rows[0].integer(0)), false};
    const bool starts = rows[0].text(1) != model::to_string(model::ChatStatus::kRunning);
    appended.message.sequence = appended.last_sequence - (starts ? 1 : 0);
    CO_TRY_OK(co_await insert_message(transaction, appended.message, key, false));
    if (starts) CO_TRY_OK(co_await start_running(transaction, appended.last_sequence));
    co_return appended;
  }

  // Only of a chat that begins to work: one that is at it may go on. An error undoes the whole message.
  Task<Status> check_running(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                       "SELECT COUNT(*) FROM chats WHERE user_id = $1 AND status = 'running' AND id <> $2",
                                       {user.str(), message.chat.str()}));
    if (rows[0].integer(0) < most_running) co_return ok_status();
    co_return with_retry_after(
        with_reason(resource_exhausted("you may have ", most_running, " chats at work at once; wait until one has ended"),
                    "LIMIT_RUNNING_CHATS"),
        std::chrono::seconds(10));
  }

  Result<Appended> same_text(Appended stored) const {
    if (stored.message.content != message.content)
      return with_field(already_exists("client_message_id was used for a message with another text; choose a new one"),
                        "client_message_id");
    stored.duplicate = stored.message.id != message.id;  // else it is ours, from a commit that was in doubt
    return stored;
  }

  Task<Status> start_running(Transaction& transaction, std::uint64_t sequence) const {
    if (most_running > 0) CO_TRY_OK(co_await check_running(transaction));
    CO_TRY_OK(
        (co_await transaction.execute("UPDATE chats SET status = 'running' WHERE id = $1", {message.chat.str()})).status());
    co_return co_await insert_update(transaction, {message.chat, sequence, model::UpdateKind::kStatus,
                                                   status_payload(model::ChatStatus::kRunning, ok_status())});
  }
};

std::string tool_finished_payload(const model::ToolResultBlock& block, const std::string& tool) {
  return to_json(json::object{{"id", json_text(block.call.str())},
                              {"tool", json_text(tool)},
                              {"outcome", json_text(model::to_string(block.result.outcome))},
                              {"is_error", block.result.is_error},
                              {"content", json_text(block.result.content)},
                              {"exit_code", block.result.exit_code}});
}

// An assistant message or a tool result: before the latter comes another update.
struct AppendStep {
  using Value = Appended;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own key
  UserId user;
  Message message;
  std::string step;
  std::string tool;  // of a tool result; "" = an assistant message
  std::optional<std::uint64_t> answers;
  RequestId given_up = {};  // of a tool result
  bool ends_turn = false;   // of an assistant message that answers

  const std::string& contended() const { return message.chat.str(); }
  Task<Result<Appended>> run(Transaction& transaction) const {
    const std::string key = step_key(step);
    const auto last =
        co_await take_sequences(transaction, user, message.chat, tool.empty() ? 1 : 2, bytes_of(message), answers, key);
    if (last.status().code() == StatusCode::kAlreadyExists) co_return co_await as_stored(transaction, key);
    CO_TRY_OK(last.status());
    Appended appended{message, *last, false};
    appended.message.sequence = *last;
    std::optional<model::Update> finished;
    if (!tool.empty()) {
      auto& block = std::get<model::ToolResultBlock>(appended.message.content.front());
      CO_TRY_ASSIGN(block.result, co_await end_of_request(transaction, std::move(block.result)));
      finished = model::Update{message.chat, *last - 1, model::UpdateKind::kToolFinished, tool_finished_payload(block, tool)};
    }
    CO_TRY_OK(co_await insert_message(transaction, appended.message, key, true, std::move(finished)));
    if (ends_turn) {
      CO_TRY_ASSIGN(appended.last_sequence,
                    co_await write_status(transaction, {user, message.chat, model::ChatStatus::kIdle, ok_status(), answers}));
    }
    co_return appended;
  }

  Task<Result<Appended>> as_stored(Transaction& transaction, std::string key) const {
    CO_TRY_ASSIGN(auto stored, co_await stored_message(transaction, user, message.chat, std::move(key)));
    RELIANT_ASSERT(stored, "it was there a statement ago");
    stored->duplicate = stored->message.id != message.id;
    co_return *std::move(stored);
  }

  Task<Result<model::ToolResult>> end_of_request(Transaction& transaction, model::ToolResult otherwise) const {
    if (given_up.empty()) co_return otherwise;
    CO_TRY_ASSIGN(const auto execution, co_await stored_execution(transaction, given_up));
    co_return execution && execution->result ? *execution->result : otherwise;
  }
};

struct FindMessage {
  using Value = std::optional<Message>;
  UserId user;
  ChatId chat;
  std::string key;

  Task<Result<std::optional<Message>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(auto stored, co_await stored_message(transaction, user, chat, key));
    if (!stored) co_return std::optional<Message>();
    co_return std::move(stored->message);
  }
};

struct ListMessages {
  using Value = std::vector<Message>;
  UserId user;
  ChatId chat;
  std::uint64_t after;
  std::size_t limit;

  Task<Result<std::vector<Message>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      "SELECT " MESSAGE_COLUMNS " FROM chats c "
                      "LEFT JOIN messages m ON m.chat_id = c.id AND m.sequence > $3 "
                      "WHERE c.id = $1 AND c.user_id = $2 ORDER BY m.sequence LIMIT $4",
                      {chat.str(), user.str(), static_cast<std::int64_t>(after), static_cast<std::int64_t>(limit)}));
    if (rows.empty()) co_return no_chat(chat);
    std::vector<Message> messages;
    for (const Row row : rows) {
      if (row.is_null(0)) break;  // the chat is there, and nothing new in it
      messages.push_back(message_from(row));
    }
    co_return messages;
  }
};

// Sizes first: what one statement answers is in memory as a whole.
struct SliceOfMessages {
  using Value = Slice<Message>;
  static constexpr bool kReadsSeveral = true;
  UserId user;
  ChatId chat;
  std::uint64_t after;
  SliceLimits limits;

  Task<Result<Value>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows sizes,
                  co_await transaction.execute(
                      "SELECT m.sequence, LENGTH(m.content) FROM chats c "
                      "LEFT JOIN messages m ON m.chat_id = c.id AND m.sequence > $3 "
                      "WHERE c.id = $1 AND c.user_id = $2 ORDER BY m.sequence LIMIT $4",
                      {chat.str(), user.str(), static_cast<std::int64_t>(after), static_cast<std::int64_t>(limits.items + 1)}));
    if (sizes.empty()) co_return no_chat(chat);
    Value slice;
    if (sizes[0].is_null(0)) co_return slice;  // the chat is there, and nothing new in it
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (const Row row : sizes) {
      bytes += static_cast<std::size_t>(row.integer(1));
      if (count == limits.items || (count > 0 && bytes > limits.bytes)) break;
      ++count;
    }
    slice.more = count < sizes.size();
    ListMessages list{user, chat, after, count};
    CO_TRY_ASSIGN(slice.items, co_await list.run(transaction));
    co_return slice;
  }
};

struct MarkSignalled {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // never becomes false again
  MessageId message;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_OK(
        (co_await transaction.execute("UPDATE messages SET signalled = 1 WHERE id = $1 AND signalled = 0", {message.str()}))
            .status());
    co_return std::monostate();
  }
};

struct ListUnsignalled {
  using Value = std::vector<Unsignalled>;
  std::int64_t accepted_before;
  std::int64_t accepted_after;  // by a replica whose calendar is ahead of this one's: it may be of any age
  std::size_t limit;

  Task<Result<std::vector<Unsignalled>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      "SELECT c.user_id, m.chat_id, m.id, m.sequence FROM messages m JOIN chats c ON c.id = m.chat_id "
                      "WHERE m.signalled = 0 AND (m.created_at <= $1 OR m.created_at > $2) "
                      "ORDER BY m.created_at, m.id LIMIT $3",
                      {accepted_before, accepted_after, static_cast<std::int64_t>(limit)}));
    std::vector<Unsignalled> found;
    for (const Row row : rows)
      found.push_back(
          {UserId(row.text(0)), ChatId(row.text(1)), MessageId(row.text(2)), static_cast<std::uint64_t>(row.integer(3))});
    co_return found;
  }
};

#undef MESSAGE_COLUMNS

}  // namespace

std::string step_key(std::string_view step) { return concat(kStepKey, step); }

json::object json_of(const Message& message) {
  json::object out{{"id", json_text(message.id.str())},
                   {"role", json_text(model::to_string(message.role))},
                   {"sequence", message.sequence},
                   {"content", model::to_json(message.content)},
                   {"created_at", json_text(rfc3339(message.created_at))}};
  if (message.damaged) out["damaged"] = true;
  return out;
}

// Keys of clients and of steps cannot meet.
Task<Result<Appended>> Messages::append_user_message(UserMessage message, Instant deadline) {
  Message row{MessageId(transactor_.new_id("msg")),        std::move(message.chat),          0, model::Role::kUser,
              {model::TextBlock{std::move(message.text)}}, wall_time(transactor_.wall_now())};
  const std::int64_t most_running = message.most_running;
  std::string key =
      message.client_message_id.empty() ? concat("id:", row.id.str()) : concat("client:", message.client_message_id);
  return transactor_.write(AppendUserMessage{std::move(message.user), std::move(row), std::move(key), most_running}, deadline);
}

Task<Result<Appended>> Messages::append_assistant_message(AssistantMessage message, Instant deadline) {
  Message row{std::move(message.id),   std::move(message.chat),    0,
              model::Role::kAssistant, std::move(message.content), wall_time(transactor_.wall_now())};
  if (row.id.empty()) row.id = MessageId(transactor_.new_id("msg"));
  RELIANT_ASSERT(message.answers || !message.ends_turn, "a message that ends a turn names the message that it answers");
  return transactor_.write(AppendStep{std::move(message.user),
                                      std::move(row),
                                      std::move(message.key),
                                      std::string(),
                                      message.answers,
                                      {},
                                      message.ends_turn},
                           deadline);
}

Task<Result<Appended>> Messages::append_tool_result(ToolResultMessage message, Instant deadline) {
  Message row{MessageId(transactor_.new_id("msg")),
              std::move(message.chat),
              0,
              model::Role::kTool,
              {model::ToolResultBlock{std::move(message.call), std::move(message.result)}},
              wall_time(transactor_.wall_now())};
  return transactor_.write(AppendStep{std::move(message.user), std::move(row), std::move(message.key), std::move(message.tool),
                                      std::nullopt, std::move(message.given_up)},
                           deadline);
}

Task<Result<std::optional<Message>>> Messages::find(UserId user, ChatId chat, std::string key, Instant deadline) {
  return transactor_.read(FindMessage{std::move(user), std::move(chat), step_key(key)}, deadline);
}

Task<Result<std::vector<Message>>> Messages::list(UserId user, ChatId chat, std::uint64_t after, std::size_t limit,
                                                  Instant deadline) {
  return transactor_.read(ListMessages{std::move(user), std::move(chat), after, limit}, deadline);
}

Task<Result<Slice<Message>>> Messages::slice(UserId user, ChatId chat, std::uint64_t after, SliceLimits limits,
                                             Instant deadline) {
  return transactor_.read(SliceOfMessages{std::move(user), std::move(chat), after, limits}, deadline);
}

Task<Status> Messages::mark_signalled(MessageId message, Instant deadline) {
  co_return (co_await transactor_.write(MarkSignalled{std::move(message)}, deadline)).status();
}

Task<Result<std::vector<Unsignalled>>> Messages::unsignalled(Duration age, std::size_t limit, Instant deadline) {
  const std::int64_t now = transactor_.wall_now();
  const std::int64_t spared = std::chrono::floor<std::chrono::microseconds>(age).count();
  return transactor_.read(ListUnsignalled{now - spared, now + spared, limit}, deadline);
}

}  // namespace reliant::store

#include "store/chats.h"

#include <algorithm>
#include <limits>

#include "base/json.h"
#include "base/text.h"
#include "store/chat_rows.h"
#include "store/messages.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

#define CHAT_COLUMNS "id, user_id, project_id, title, status, active_daemon, last_sequence, answered_up_to, created_at"

Chat chat_from(const Row& row) {
  return {ChatId(row.text(0)),
          UserId(row.text(1)),
          ProjectId(row.text(2)),
          row.text(3),
          model::chat_status_from(row.text(4)),
          DaemonId(row.text(5)),
          static_cast<std::uint64_t>(row.integer(6)),
          static_cast<std::uint64_t>(row.integer(7)),
          wall_time(row.integer(8))};
}

struct CreateChat {
  using Value = Chat;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own id
  Chat chat;

  Task<Result<Chat>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows stored,
                  co_await transaction.execute("SELECT " CHAT_COLUMNS " FROM chats WHERE id = $1", {chat.id.str()}));
    if (!stored.empty()) {
      Chat found = chat_from(stored[0]);
      if (found.user == chat.user && found.project == chat.project) co_return found;
      co_return with_field(already_exists("chat id ", chat.id.str(), " is taken; choose another one or none"), "id");
    }
    CO_TRY_ASSIGN(const Rows project, co_await transaction.execute("SELECT 1 FROM projects WHERE id = $1 AND user_id = $2",
                                                                   {chat.project.str(), chat.user.str()}));
    if (project.empty()) co_return with_field(not_found("project ", chat.project.str(), " does not exist"), "project_id");
    CO_TRY_OK((co_await transaction.execute(
                   "INSERT INTO chats (" CHAT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7)",
                   {chat.id.str(), chat.user.str(), chat.project.str(), chat.title, std::string(model::to_string(chat.status)),
                    chat.active_daemon.str(), microseconds_of(chat.created_at)}))
                  .status());
    co_return chat;
  }
};

Task<Result<Chat>> chat_of(Transaction& transaction, UserId user, ChatId id) {
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute("SELECT " CHAT_COLUMNS " FROM chats WHERE id = $1 AND user_id = $2",
                                             {id.str(), user.str()}));
  if (rows.empty()) co_return no_chat(id);
  co_return chat_from(rows[0]);
}

struct GetChat {
  using Value = Chat;
  UserId user;
  ChatId id;
  Task<Result<Chat>> run(Transaction& transaction) const { return chat_of(transaction, user, id); }
};

struct ListChats {
  using Value = Page<Chat>;
  UserId user;
  std::optional<ProjectId> project;
  Position before;
  std::size_t limit;

  Task<Result<Page<Chat>>> run(Transaction& transaction) const {
    ports::Values values{user.str(), before.time, before.id, static_cast<std::int64_t>(limit + 1)};
    if (project) values.add(project->str());
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(project ? "SELECT " CHAT_COLUMNS " FROM chats WHERE user_id = $1 "
                                                         "AND (created_at, id) < ($2, $3) AND project_id = $5 "
                                                         "ORDER BY created_at DESC, id DESC LIMIT $4"
                                                       : "SELECT " CHAT_COLUMNS " FROM chats WHERE user_id = $1 "
                                                         "AND (created_at, id) < ($2, $3) "
                                                         "ORDER BY created_at DESC, id DESC LIMIT $4",
                                               std::move(values)));
    Page<Chat> page;
    for (const Row row : rows) page.items.push_back(chat_from(row));
    trim(page, limit);
    co_return page;
  }
};

struct AnyRunning {
  using Value = bool;

  Task<Result<bool>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT 1 FROM chats WHERE status = $1 LIMIT 1",
                                                                {std::string(model::to_string(model::ChatStatus::kRunning))}));
    co_return !rows.empty();
  }
};

struct UpdateChat {
  using Value = Chat;
  static constexpr InDoubt kInDoubt = InDoubt::kMark;
  UserId user;
  ChatId id;
  ChatChange change;

  Task<Result<Chat>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Chat old, co_await chat_of(transaction, user, id));
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("UPDATE chats SET title = $2, active_daemon = $3 WHERE id = $1 "
                                                                "RETURNING " CHAT_COLUMNS,
                                                                {id.str(), change.title.value_or(old.title),
                                                                 change.active_daemon.value_or(old.active_daemon).str()}));
    co_return chat_from(rows[0]);
  }
};

struct RemoveChat {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kMark;
  UserId user;
  ChatId id;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Chat chat, co_await chat_of(transaction, user, id));
    if (chat.status == model::ChatStatus::kRunning)
      co_return failed_precondition("chat ", id.str(), " is running; cancel it first");
    for (const std::string_view sql :
         {"DELETE FROM updates WHERE chat_id = $1", "DELETE FROM update_streams WHERE chat_id = $1",
          "DELETE FROM messages WHERE chat_id = $1", "DELETE FROM tool_executions WHERE chat_id = $1",
          "DELETE FROM chat_recoveries WHERE chat_id = $1", "DELETE FROM chats WHERE id = $1"})
      CO_TRY_OK((co_await transaction.execute(sql, {id.str()})).status());
    co_return std::monostate();
  }
};

struct SetStatus {
  using Value = std::uint64_t;
  static constexpr InDoubt kInDoubt = InDoubt::kMark;  // another status may have come in between
  StatusChange change;

  const std::string& contended() const { return change.chat.str(); }
  Task<Result<std::uint64_t>> run(Transaction& transaction) const { return write_status(transaction, change); }
};

#undef CHAT_COLUMNS

}  // namespace

Status no_chat(const ChatId& id) { return not_found("chat ", id.str(), " does not exist"); }

std::string status_payload(model::ChatStatus status, const Status& error) {
  const auto text = [](std::string_view part) { return json::string(part.data(), part.size()); };
  json::object payload{{"status", text(model::to_string(status))}};
  if (!error.ok())
    payload["error"] = json::object{{"code", text(code_name(error.code()))}, {"message", text(message_of(error))}};
  return to_json(payload);
}

Task<Result<std::uint64_t>> write_status(Transaction& transaction, StatusChange change) {
  const std::uint64_t answered_now = change.answered_up_to.value_or(0);
  // No message of the user comes after the highest number: without an end of a turn, nothing goes on.
  const auto seen = static_cast<std::int64_t>(change.answered_up_to.value_or(std::numeric_limits<std::int64_t>::max()));
  CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                     "SELECT status, last_sequence, answered_up_to, EXISTS (SELECT 1 FROM messages m WHERE "
                                     "m.chat_id = $1 "
                                     "AND m.sequence > $3 AND m.role = 'user') FROM chats WHERE id = $1 AND user_id = $2",
                                     {change.chat.str(), change.user.str(), seen}));
  if (rows.empty()) co_return no_chat(change.chat);
  const model::ChatStatus before = model::chat_status_from(rows[0].text(0));
  auto last = static_cast<std::uint64_t>(rows[0].integer(1));
  const auto answered_before = static_cast<std::uint64_t>(rows[0].integer(2));
  const bool goes_on = rows[0].integer(3) != 0;
  if (answered_now > 0 && answered_before >= answered_now) co_return last;
  // A turn that failed or was cancelled is reported even when the next one follows at once.
  std::vector<std::string> payloads;
  const bool told = goes_on ? change.status != model::ChatStatus::kIdle : before != change.status;
  if (told) payloads.push_back(status_payload(change.status, change.error));
  if (told && goes_on) payloads.push_back(status_payload(model::ChatStatus::kRunning, ok_status()));
  const model::ChatStatus after = goes_on ? before : change.status;
  const std::uint64_t first = last + 1;
  last += payloads.size();
  CO_TRY_OK(
      (co_await transaction.execute("UPDATE chats SET status = $2, last_sequence = $3, answered_up_to = $4 WHERE id = $1",
                                    {change.chat.str(), std::string(model::to_string(after)), static_cast<std::int64_t>(last),
                                     static_cast<std::int64_t>(std::max(answered_before, answered_now))}))
          .status());
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    model::Update update{change.chat, first + i, model::UpdateKind::kStatus, std::move(payloads[i])};
    CO_TRY_OK(co_await insert_update(transaction, std::move(update)));
  }
  co_return last;
}

Task<Status> insert_update(Transaction& transaction, model::Update update) {
  co_return (co_await transaction.execute("INSERT INTO updates (chat_id, sequence, kind, payload) VALUES ($1, $2, $3, $4)",
                                          {update.chat.str(), static_cast<std::int64_t>(update.sequence),
                                           std::string(model::to_string(update.kind)), std::move(update.payload)}))
      .status();
}

Task<Status> insert_updates(Transaction& transaction, model::Update first, model::Update second) {
  co_return (co_await transaction.execute(
                 "INSERT INTO updates (chat_id, sequence, kind, payload) VALUES ($1, $2, $3, $4), ($1, $5, $6, $7)",
                 {first.chat.str(), static_cast<std::int64_t>(first.sequence), std::string(model::to_string(first.kind)),
                  std::move(first.payload), static_cast<std::int64_t>(second.sequence),
                  std::string(model::to_string(second.kind)), std::move(second.payload)}))
      .status();
}

Task<Result<std::uint64_t>> take_sequences(Transaction& transaction, UserId user, ChatId chat, std::size_t count,
                                           std::size_t bytes, std::optional<std::uint64_t> unanswered, std::string key) {
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  const std::int64_t below = unanswered ? static_cast<std::int64_t>(*unanswered) : kAny;
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute(
                    "UPDATE chats SET last_sequence = last_sequence + $3, bytes = bytes + $5 "
                    "WHERE id = $1 AND user_id = $2 AND answered_up_to < $4 "
                    "AND NOT EXISTS (SELECT 1 FROM messages WHERE chat_id = $1 AND dedup_key = $6) "
                    "RETURNING last_sequence",
                    {chat.str(), user.str(), static_cast<std::int64_t>(count), below, static_cast<std::int64_t>(bytes), key}));
  if (rows.empty() && !key.empty()) {
    CO_TRY_ASSIGN(const Rows known, co_await transaction.execute("SELECT 1 FROM messages WHERE chat_id = $1 AND dedup_key = $2",
                                                                 {chat.str(), key}));
    if (!known.empty()) co_return already_exists("chat ", chat.str(), " has a message with the key ", key);
  }
  if (rows.empty() && unanswered)
    co_return with_reason(failed_precondition("the turn that answers message ", below, " of chat ", chat.str(), " is over"),
                          kReasonTurnOver);
  if (rows.empty()) co_return no_chat(chat);
  co_return static_cast<std::uint64_t>(rows[0].integer(0));
}

Task<Result<Chat>> Chats::create(NewChat chat, Instant deadline) {
  Chat row{std::move(chat.id),
           std::move(chat.user),
           std::move(chat.project),
           std::move(chat.title),
           model::ChatStatus::kIdle,
           std::move(chat.active_daemon),
           0,
           0,
           wall_time(transactor_.wall_now())};
  if (row.id.empty()) row.id = ChatId(transactor_.new_id("chat"));
  return transactor_.write(CreateChat{std::move(row)}, deadline);
}

Task<Result<Chat>> Chats::get(UserId user, ChatId id, Instant deadline) {
  return transactor_.read(GetChat{std::move(user), std::move(id)}, deadline);
}

Task<Result<Page<Chat>>> Chats::list(UserId user, std::optional<ProjectId> project, PageRequest page, Instant deadline) {
  CO_TRY_ASSIGN(Position before, position_of(page));
  co_return co_await transactor_.read(ListChats{std::move(user), std::move(project), std::move(before), page.limit}, deadline);
}

Task<Result<Chat>> Chats::update(UserId user, ChatId id, ChatChange change, Instant deadline) {
  return transactor_.write(UpdateChat{std::move(user), std::move(id), std::move(change)}, deadline);
}

Task<Status> Chats::remove(UserId user, ChatId id, Instant deadline) {
  co_return (co_await transactor_.write(RemoveChat{std::move(user), std::move(id)}, deadline)).status();
}

Task<Result<std::uint64_t>> Chats::set_status(StatusChange change, Instant deadline) {
  return transactor_.write(SetStatus{std::move(change)}, deadline);
}

Task<Result<bool>> Chats::any_running(Instant deadline) { co_return co_await transactor_.read(AnyRunning{}, deadline); }

}  // namespace reliant::store

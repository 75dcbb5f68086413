#include "base/text.h"
#include "store/chat_rows.h"
#include "store/messages.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

struct AppendUpdates {
  using Value = std::uint64_t;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds how far its stream has come
  UserId user;
  ChatId chat;
  UpdateStream stream;
  std::vector<NewUpdate> updates;

  Task<Result<std::uint64_t>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const std::vector<const NewUpdate*> fresh, co_await what_is_new(transaction));
    CO_TRY_ASSIGN(const std::uint64_t last, co_await take_sequences(transaction, user, chat, fresh.size()));
    if (fresh.empty()) co_return last;
    CO_TRY_OK(co_await move_stream(transaction, chat, {stream.key, stream.attempt}, fresh.back()->position));
    std::uint64_t sequence = last - fresh.size();
    for (const NewUpdate* update : fresh)
      CO_TRY_OK(co_await insert_update(transaction, {chat, ++sequence, update->kind, update->payload}));
    co_return last;
  }

  Task<Result<std::vector<const NewUpdate*>>> what_is_new(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT attempt, position FROM update_streams "
                                                                "WHERE chat_id = $1 AND stream = $2",
                                                                {chat.str(), stream.key}));
    std::optional<std::pair<std::int64_t, std::int64_t>> reached;
    if (!rows.empty()) reached.emplace(rows[0].integer(0), rows[0].integer(1));
    std::vector<const NewUpdate*> fresh;
    for (const NewUpdate& update : updates) {
      const std::pair place(stream.attempt, update.position);
      if (reached && place <= *reached) continue;
      fresh.push_back(&update);
      reached = place;
    }
    co_return fresh;
  }
};

struct ListUpdates {
  using Value = std::vector<model::Update>;
  UserId user;
  ChatId chat;
  std::uint64_t after;
  std::size_t limit;

  Task<Result<std::vector<model::Update>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                       "SELECT u.sequence, u.kind, u.payload FROM chats c "
                                       "LEFT JOIN updates u ON u.chat_id = c.id AND u.sequence > $3 "
                                       "WHERE c.id = $1 AND c.user_id = $2 ORDER BY u.sequence LIMIT $4",
                                       {chat.str(), user.str(), static_cast<std::int64_t>(after),
                                        static_cast<std::int64_t>(limit)}));
    if (rows.empty()) co_return no_chat(chat);
    std::vector<model::Update> updates;
    for (const Row row : rows) {
      if (row.is_null(0)) break;  // the chat is there, and nothing new in it
      updates.push_back({chat, static_cast<std::uint64_t>(row.integer(0)),
                         model::update_kind_from(row.text(1)), row.text(2)});
    }
    co_return updates;
  }
};

}  // namespace

Task<Status> move_stream(Transaction& transaction, ChatId chat, UpdateStream stream, std::int64_t position) {
  co_return (co_await transaction.execute(
                 "INSERT INTO update_streams (chat_id, stream, attempt, position) VALUES ($1, $2, $3, $4) "
                 "ON CONFLICT (chat_id, stream) DO UPDATE SET attempt = excluded.attempt, position = excluded.position",
                 {chat.str(), std::move(stream.key), stream.attempt, position}))
      .status();
}

Task<Result<std::uint64_t>> Updates::append(UserId user, ChatId chat, UpdateStream stream,
                                            std::vector<NewUpdate> updates, Instant deadline) {
  return transactor_.write(
      AppendUpdates{std::move(user), std::move(chat), std::move(stream), std::move(updates)}, deadline);
}

Task<Result<std::vector<model::Update>>> Updates::list(UserId user, ChatId chat, std::uint64_t after,
                                                       std::size_t limit, Instant deadline) {
  return transactor_.read(ListUpdates{std::move(user), std::move(chat), after, limit}, deadline);
}

}  // namespace reliant::store

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
  static constexpr InDoubt kInDoubt = InDoubt::kMark;  // chunks have no keys
  UserId user;
  ChatId chat;
  std::vector<NewUpdate> updates;

  Task<Result<std::uint64_t>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const std::vector<std::size_t> fresh, co_await without_known_keys(transaction));
    CO_TRY_ASSIGN(const std::uint64_t last, co_await take_sequences(transaction, user, chat, fresh.size()));
    std::uint64_t sequence = last - fresh.size();
    for (const std::size_t index : fresh)
      CO_TRY_OK(co_await insert_update(transaction,
                                       {chat, ++sequence, updates[index].kind, updates[index].payload}));
    co_return last;
  }

  // Indexes of the updates to be written. A chat of somebody else is found out by take_sequences; till then,
  // the keys of one that does not exist at all must not be written.
  Task<Result<std::vector<std::size_t>>> without_known_keys(Transaction& transaction) const {
    std::vector<std::size_t> fresh;
    for (std::size_t index = 0; index < updates.size(); ++index) {
      if (!updates[index].key.empty()) {
        CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                           "INSERT INTO update_keys (chat_id, dedup_key) "
                                           "SELECT id, $3 FROM chats WHERE id = $1 AND user_id = $2 "
                                           "ON CONFLICT (chat_id, dedup_key) DO NOTHING",
                                           {chat.str(), user.str(), updates[index].key}));
        if (rows.changed == 0) continue;
      }
      fresh.push_back(index);
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

Task<Result<std::uint64_t>> Updates::append(UserId user, ChatId chat, std::vector<NewUpdate> updates,
                                            Instant deadline) {
  return transactor_.write(AppendUpdates{std::move(user), std::move(chat), std::move(updates)}, deadline);
}

Task<Result<std::vector<model::Update>>> Updates::list(UserId user, ChatId chat, std::uint64_t after,
                                                       std::size_t limit, Instant deadline) {
  return transactor_.read(ListUpdates{std::move(user), std::move(chat), after, limit}, deadline);
}

}  // namespace reliant::store

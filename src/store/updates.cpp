#include <limits>
#include <utility>

#include "base/assert.h"
#include "store/chat_rows.h"
#include "store/message_rows.h"
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

  const std::string& contended() const { return chat.str(); }
  Task<Result<std::uint64_t>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const bool all_new, co_await move_on(transaction, updates.front(), updates.back()));
    std::vector<const NewUpdate*> fresh;
    for (const NewUpdate& update : updates) {
      if (!all_new) {  // of a batch that was begun before, each has to be looked at
        CO_TRY_ASSIGN(const bool is_new, co_await move_on(transaction, update, update));
        if (!is_new) continue;
      }
      fresh.push_back(&update);
    }
    std::size_t bytes = 0;
    for (const NewUpdate* update : fresh) bytes += update->payload.size();
    CO_TRY_ASSIGN(const std::uint64_t last, co_await take_sequences(transaction, user, chat, fresh.size(), bytes));
    std::uint64_t sequence = last - fresh.size();
    for (const NewUpdate* update : fresh)
      CO_TRY_OK(co_await insert_update(transaction, {chat, ++sequence, update->kind, update->payload}));
    co_return last;
  }

  // The stream comes to `last`, if `first` is beyond where it is, and its step has no message yet. A chat of somebody else is
  // found out by take_sequences.
  Task<Result<bool>> move_on(Transaction& transaction, const NewUpdate& first, const NewUpdate& last) const {
    CO_TRY_ASSIGN(
        const Rows rows,
        co_await transaction.execute(
            "INSERT INTO update_streams (chat_id, stream, attempt, position) "
            "SELECT id, $3, CAST($4 AS BIGINT), CAST($6 AS BIGINT) FROM chats WHERE id = $1 AND user_id = $2 "
            "AND NOT EXISTS (SELECT 1 FROM messages WHERE chat_id = $1 AND dedup_key = $7) "
            "ON CONFLICT (chat_id, stream) "
            "DO UPDATE SET attempt = excluded.attempt, position = excluded.position "
            "WHERE (update_streams.attempt, update_streams.position) < "
            "(CAST($4 AS BIGINT), CAST($5 AS BIGINT))",
            {chat.str(), user.str(), stream.key, stream.attempt, first.position, last.position, step_key(stream.key)}));
    co_return rows.changed == 1;
  }
};

// Small payloads come with their rows. Each large one is read by itself, while there is room for it: what one statement
// answers is in memory as a whole.
struct SliceOfUpdates {
  using Value = Slice<model::Update>;
  static constexpr bool kReadsSeveral = true;
  static constexpr std::size_t kSmall = 4096;  // characters
  UserId user;
  ChatId chat;
  std::uint64_t after;
  SliceLimits limits;

  Task<Result<Value>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      "SELECT u.sequence, u.kind, CASE WHEN LENGTH(u.payload) <= CAST($5 AS BIGINT) THEN u.payload END, "
                      "LENGTH(u.payload) FROM chats c LEFT JOIN updates u ON u.chat_id = c.id AND u.sequence > $3 "
                      "WHERE c.id = $1 AND c.user_id = $2 ORDER BY u.sequence LIMIT $4",
                      {chat.str(), user.str(), static_cast<std::int64_t>(after), static_cast<std::int64_t>(limits.items),
                       static_cast<std::int64_t>(kSmall)}));
    if (rows.empty()) co_return no_chat(chat);
    Value slice;
    if (rows[0].is_null(0)) co_return slice;  // the chat is there, and nothing new in it
    std::size_t bytes = 0;
    for (const Row row : rows) {
      const auto size = static_cast<std::size_t>(row.integer(3));
      if (!slice.items.empty() && bytes + size > limits.bytes) break;
      bytes += size;
      std::string payload;
      if (row.is_null(2)) {
        CO_TRY_ASSIGN(payload, co_await payload_of(transaction, row.integer(0)));
      } else {
        payload = row.text(2);
      }
      slice.items.push_back(
          {chat, static_cast<std::uint64_t>(row.integer(0)), model::update_kind_from(row.text(1)), std::move(payload)});
    }
    slice.more = slice.items.size() < rows.size() || rows.size() == limits.items;
    co_return slice;
  }

  Task<Result<std::string>> payload_of(Transaction& transaction, std::int64_t sequence) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT payload FROM updates WHERE chat_id = $1 AND sequence = $2",
                                               {chat.str(), sequence}));
    if (rows.empty()) co_return no_chat(chat);  // deleted in between
    co_return rows[0].text(0);
  }
};

}  // namespace

Task<Result<std::uint64_t>> append_updates(Transaction& transaction, UserId user, ChatId chat, UpdateStream stream,
                                           std::vector<NewUpdate> updates) {
  const AppendUpdates append{std::move(user), std::move(chat), std::move(stream), std::move(updates)};
  co_return co_await append.run(transaction);
}

Task<Result<std::uint64_t>> Updates::append(UserId user, ChatId chat, UpdateStream stream, std::vector<NewUpdate> updates,
                                            Instant deadline) {
  RELIANT_ASSERT(!updates.empty(), "there is something to append");
  return transactor_.write(AppendUpdates{std::move(user), std::move(chat), std::move(stream), std::move(updates)}, deadline);
}

Task<Result<std::vector<model::Update>>> Updates::list(UserId user, ChatId chat, std::uint64_t after, std::size_t limit,
                                                       Instant deadline) {
  constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
  CO_TRY_ASSIGN(Slice<model::Update> all,
                co_await slice(std::move(user), std::move(chat), after, {.items = limit, .bytes = kAnyNumber}, deadline));
  co_return std::move(all.items);
}

Task<Result<Slice<model::Update>>> Updates::slice(UserId user, ChatId chat, std::uint64_t after, SliceLimits limits,
                                                  Instant deadline) {
  return transactor_.read(SliceOfUpdates{std::move(user), std::move(chat), after, limits}, deadline);
}

}  // namespace reliant::store

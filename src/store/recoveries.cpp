#include "store/recoveries.h"

#include <utility>

#include "store/chat_rows.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

struct ListAtWork {
  using Value = std::vector<ChatAtWork>;
  std::int64_t accepted_before;
  std::int64_t accepted_after;  // by a replica whose clock is ahead of this one's: it may be of any age
  ChatId after;
  std::size_t limit;

  Task<Result<Value>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                       "SELECT c.user_id, c.id, CASE WHEN u.disabled_at IS NULL THEN 0 ELSE 1 END "
                                       "FROM chats c JOIN users u ON u.id = c.user_id "
                                       "WHERE c.status = 'running' AND c.id > $3 AND EXISTS ("
                                       "SELECT 1 FROM messages m WHERE m.chat_id = c.id AND m.sequence > c.answered_up_to "
                                       "AND m.role = 'user' AND m.signalled = 1 AND (u.disabled_at IS NOT NULL "
                                       "OR m.created_at <= $1 OR m.created_at > $2)) "
                                       "ORDER BY c.id LIMIT $4",
                                       {accepted_before, accepted_after, after.str(), static_cast<std::int64_t>(limit)}));
    std::vector<ChatAtWork> found;
    for (const Row row : rows) found.push_back({UserId(row.text(0)), ChatId(row.text(1)), row.integer(2) != 0});
    co_return found;
  }
};

// Also those that were not signalled, with `all`.
Task<Result<std::vector<Unsignalled>>> unanswered_of(Transaction& transaction, UserId user, ChatId chat, bool all) {
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute("SELECT m.id, m.sequence FROM chats c "
                                             "LEFT JOIN messages m ON m.chat_id = c.id AND m.sequence > c.answered_up_to "
                                             "AND m.role = 'user' AND m.signalled >= $3 AND c.status = 'running' "
                                             "WHERE c.id = $1 AND c.user_id = $2 ORDER BY m.sequence",
                                             {chat.str(), user.str(), std::int64_t{all ? 0 : 1}}));
  if (rows.empty()) co_return no_chat(chat);
  std::vector<Unsignalled> found;
  for (const Row row : rows) {
    if (row.is_null(0)) break;
    found.push_back({user, chat, MessageId(row.text(0)), static_cast<std::uint64_t>(row.integer(1))});
  }
  co_return found;
}

struct ListUnanswered {
  using Value = std::vector<Unsignalled>;
  UserId user;
  ChatId chat;

  Task<Result<Value>> run(Transaction& transaction) const { return unanswered_of(transaction, user, chat, true); }
};

struct BeginRecovery {
  using Value = Recovery;
  static constexpr InDoubt kInDoubt = InDoubt::kMark;  // a repetition would find the right taken
  UserId user;
  ChatId chat;
  std::int64_t now;
  std::int64_t pause;

  Task<Result<Recovery>> run(Transaction& transaction) const {
    Recovery recovery;
    CO_TRY_ASSIGN(auto messages, co_await unanswered_of(transaction, user, chat, false));
    if (messages.empty()) co_return recovery;
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT c.answered_up_to, r.answered_up_to, r.times, r.begun_at FROM chats c "
                                               "LEFT JOIN chat_recoveries r ON r.chat_id = c.id WHERE c.id = $1",
                                               {chat.str()}));
    const Row row = rows[0];
    const bool same_turn = !row.is_null(1) && row.integer(1) == row.integer(0);
    // In the future: the clock of the replica that took it is ahead.
    if (same_turn && row.integer(3) > now - pause && row.integer(3) <= now + pause) co_return recovery;
    recovery.times = (same_turn ? row.integer(2) : 0) + 1;
    recovery.messages = std::move(messages);
    CO_TRY_OK((co_await transaction.execute(
                   "INSERT INTO chat_recoveries (chat_id, answered_up_to, times, begun_at) VALUES ($1, $2, $3, $4) "
                   "ON CONFLICT (chat_id) DO UPDATE SET answered_up_to = excluded.answered_up_to, "
                   "times = excluded.times, begun_at = excluded.begun_at",
                   {chat.str(), row.integer(0), recovery.times, now}))
                  .status());
    co_return recovery;
  }
};

std::int64_t microseconds(Duration duration) { return std::chrono::floor<std::chrono::microseconds>(duration).count(); }

}  // namespace

Task<Result<std::vector<ChatAtWork>>> Recoveries::at_work(Duration age, ChatId after, std::size_t limit, Instant deadline) {
  const std::int64_t now = transactor_.wall_now();
  return transactor_.read(ListAtWork{now - microseconds(age), now + microseconds(age), std::move(after), limit}, deadline);
}

Task<Result<Recovery>> Recoveries::begin(UserId user, ChatId chat, Duration pause, Instant deadline) {
  return transactor_.write(BeginRecovery{std::move(user), std::move(chat), transactor_.wall_now(), microseconds(pause)},
                           deadline);
}

Task<Result<std::vector<Unsignalled>>> Recoveries::unanswered(UserId user, ChatId chat, Instant deadline) {
  return transactor_.read(ListUnanswered{std::move(user), std::move(chat)}, deadline);
}

}  // namespace reliant::store

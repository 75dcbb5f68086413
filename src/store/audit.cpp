#include "store/audit.h"

#include <utility>
#include <variant>

#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

struct ListAudit {
  using Value = Page<AuditEntry>;
  UserId user;
  Position before;
  std::size_t limit;

  Task<Result<Page<AuditEntry>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                       "SELECT id, user_id, action, object, daemon_id, chat_id, created_at FROM audit_log "
                                       "WHERE user_id = $1 AND (created_at, id) < ($2, $3) "
                                       "ORDER BY created_at DESC, id DESC LIMIT $4",
                                       {user.str(), before.time, before.id, static_cast<std::int64_t>(limit + 1)}));
    Page<AuditEntry> page;
    for (const Row row : rows)
      page.items.push_back({AuditId(row.text(0)), UserId(row.text(1)), row.text(2), row.text(3), DaemonId(row.text(4)),
                            ChatId(row.text(5)), wall_time(row.integer(6))});
    trim(page, limit);
    co_return page;
  }
};

}  // namespace

Task<Status> append_audit(Transaction& transaction, AuditEntry entry) {
  co_return (co_await transaction.execute("INSERT INTO audit_log (id, user_id, action, object, daemon_id, chat_id, created_at) "
                                          "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
                                          {entry.id.str(), entry.user.str(), entry.action, entry.object, entry.daemon.str(),
                                           entry.chat.str(), microseconds_of(entry.created_at)}))
      .status();
}

Task<Result<Page<AuditEntry>>> Audit::list(UserId user, PageRequest page, Instant deadline) {
  CO_TRY_ASSIGN(Position before, position_of(page));
  co_return co_await transactor_.read(ListAudit{std::move(user), std::move(before), page.limit}, deadline);
}

}  // namespace reliant::store

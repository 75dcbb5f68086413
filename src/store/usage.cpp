#include "store/usage.h"

#include <utility>

namespace reliant::store {

using ports::Rows;
using ports::Transaction;

namespace {

struct UsageOf {
  using Value = Usage;
  UserId user;

  Task<Result<Usage>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT (SELECT COUNT(*) FROM projects WHERE user_id = $1), COUNT(*), "
                                               "(SELECT COUNT(*) FROM tokens WHERE user_id = $1 AND revoked_at IS NULL), "
                                               "CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM chats WHERE user_id = $1",
                                               {user.str()}));
    co_return Usage{rows[0].integer(0), rows[0].integer(1), rows[0].integer(2), rows[0].integer(3)};
  }
};

}  // namespace

Task<Result<Usage>> Usages::of(UserId user, Instant deadline) { return transactor_.read(UsageOf{std::move(user)}, deadline); }

}  // namespace reliant::store

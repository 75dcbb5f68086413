#include "store/signing_keys.h"

#include <utility>

#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

std::int64_t microseconds(Duration duration) { return std::chrono::duration_cast<std::chrono::microseconds>(duration).count(); }

struct ListKeys {
  using Value = std::vector<SigningKey>;

  Task<Result<std::vector<SigningKey>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT id, secret, created_at, retired_at FROM signing_keys "
                                                                "ORDER BY created_at, id",
                                                                {}));
    std::vector<SigningKey> keys;
    for (const Row row : rows) {
      SigningKey& key = keys.emplace_back(SigningKey{row.text(0), row.text(1), wall_time(row.integer(2)), std::nullopt});
      if (!row.is_null(3)) key.retired_at = wall_time(row.integer(3));
    }
    co_return keys;
  }
};

struct RotateKeys {
  using Value = std::vector<SigningKey>;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own key, which is young
  std::string id;
  std::string secret;
  std::int64_t now;
  KeyRotation rotation;

  Task<Result<std::vector<SigningKey>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(std::vector<SigningKey> keys, co_await ListKeys{}.run(transaction));
    const bool young = !keys.empty() && wall_time(now) - keys.back().created_at < rotation.every;
    if (young) co_return keys;
    CO_TRY_OK((co_await transaction.execute("UPDATE signing_keys SET retired_at = $1 WHERE retired_at IS NULL",
                                            {now + microseconds(rotation.known_after)}))
                  .status());
    CO_TRY_OK(
        (co_await transaction.execute("DELETE FROM signing_keys WHERE retired_at < $1", {now - microseconds(rotation.kept)}))
            .status());
    CO_TRY_OK((co_await transaction.execute("INSERT INTO signing_keys (id, secret, created_at) VALUES ($1, $2, $3)",
                                            {id, secret, now}))
                  .status());
    co_return co_await ListKeys{}.run(transaction);
  }
};

}  // namespace

Task<Result<std::vector<SigningKey>>> SigningKeys::list(Instant deadline) { return transactor_.read(ListKeys{}, deadline); }

Task<Result<std::vector<SigningKey>>> SigningKeys::rotate(std::string secret, KeyRotation rotation, Instant deadline) {
  return transactor_.write(RotateKeys{transactor_.new_id("key"), std::move(secret), transactor_.wall_now(), rotation},
                           deadline);
}

}  // namespace reliant::store

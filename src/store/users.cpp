#include "store/users.h"

#include <utility>

#include "base/text.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

User user_from(const Row& row) { return {UserId(row.text(0)), row.text(1), wall_time(row.integer(2))}; }

Task<Result<User>> user_by_id(Transaction& transaction, UserId id) {
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute("SELECT id, name, created_at FROM users WHERE id = $1", {id.str()}));
  if (rows.empty()) co_return not_found("user ", id.str(), " does not exist");
  co_return user_from(rows[0]);
}

struct CreateUser {
  using Value = User;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own id
  User user;

  Task<Result<User>> run(Transaction& transaction) const {
    CO_TRY_OK((co_await transaction.execute(
                   "INSERT INTO users (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
                   {user.id.str(), user.name, microseconds_of(user.created_at)}))
                  .status());
    co_return co_await user_by_id(transaction, user.id);
  }
};

struct FindUser {
  using Value = User;
  UserId id;
  Task<Result<User>> run(Transaction& transaction) const { return user_by_id(transaction, id); }
};

struct ListUsers {
  using Value = std::vector<User>;
  Task<Result<std::vector<User>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT id, name, created_at FROM users ORDER BY created_at, id", {}));
    std::vector<User> users;
    for (const Row row : rows) users.push_back(user_from(row));
    co_return users;
  }
};

}  // namespace

Task<Result<User>> Users::create(UserId id, std::string name, Instant deadline) {
  User user{std::move(id), std::move(name), wall_time(transactor_.wall_now())};
  if (user.id.empty()) user.id = UserId(transactor_.new_id("user"));
  return transactor_.write(CreateUser{std::move(user)}, deadline);
}

Task<Result<User>> Users::find(UserId id, Instant deadline) { return transactor_.read(FindUser{std::move(id)}, deadline); }

Task<Result<std::vector<User>>> Users::list(Instant deadline) { return transactor_.read(ListUsers{}, deadline); }

}  // namespace reliant::store

#include "store/users.h"

#include <utility>

#include "base/text.h"
#include "store/audit.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

#define USER_COLUMNS "id, name, created_at, disabled_at"

User user_from(const Row& row) {
  User user{UserId(row.text(0)), row.text(1), wall_time(row.integer(2)), {}};
  if (!row.is_null(3)) user.disabled_at = wall_time(row.integer(3));
  return user;
}

Task<Result<User>> user_by_id(Transaction& transaction, UserId id) {
  CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT " USER_COLUMNS " FROM users WHERE id = $1", {id.str()}));
  if (rows.empty()) co_return not_found("user ", id.str(), " does not exist");
  co_return user_from(rows[0]);
}

struct CreateUser {
  using Value = User;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own id
  User user;

  Task<Result<User>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT " USER_COLUMNS " FROM users WHERE id IN ($1, $2) "
                                                                "OR name IN ($1, $2)",
                                                                {user.id.str(), user.name}));
    for (const Row row : rows)
      if (row.text(0) == user.id.str()) co_return user_from(row);
    if (!rows.empty()) co_return taken(user_from(rows[0]));
    CO_TRY_OK((co_await transaction.execute("INSERT INTO users (id, name, created_at) VALUES ($1, $2, $3)",
                                            {user.id.str(), user.name, microseconds_of(user.created_at)}))
                  .status());
    co_return user;
  }

  Status taken(const User& other) const {
    if (other.name == user.name)
      return already_exists("there is a user named \"", user.name, "\" already, with the id ", other.id.str(),
                            "; give another name");
    if (other.id.str() == user.name)
      return already_exists("\"", user.name, "\" is the id of the user named \"", other.name, "\"; give another name");
    return already_exists("\"", user.id.str(), "\" is the name of the user ", other.id.str(), "; give another id");
  }
};

struct FindUser {
  using Value = User;
  UserId id;
  Task<Result<User>> run(Transaction& transaction) const { return user_by_id(transaction, id); }
};

struct FindByIdOrName {
  using Value = User;
  std::string text;

  Task<Result<User>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT " USER_COLUMNS " FROM users WHERE id = $1 OR name = $1", {text}));
    if (rows.empty()) co_return not_found("no user has the id or the name \"", text, "\"");
    for (const Row row : rows)
      if (row.text(0) == text) co_return user_from(row);
    co_return user_from(rows[0]);
  }
};

struct SetDisabled {
  using Value = User;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // the row says whether it was done
  UserId id;
  bool disabled;
  AuditId audit;
  WallTime now;

  Task<Result<User>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(User user, co_await user_by_id(transaction, id));
    if (user.disabled_at.has_value() == disabled) co_return user;
    user.disabled_at.reset();
    if (disabled) user.disabled_at = now;
    const ports::Value at = disabled ? ports::Value(microseconds_of(now)) : ports::Value();
    CO_TRY_OK((co_await transaction.execute("UPDATE users SET disabled_at = $2 WHERE id = $1", {id.str(), at})).status());
    CO_TRY_OK(
        co_await append_audit(transaction, {audit, id, disabled ? "user.disabled" : "user.enabled", id.str(), {}, {}, now}));
    co_return user;
  }
};

struct ListUsers {
  using Value = std::vector<User>;
  Task<Result<std::vector<User>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT " USER_COLUMNS " FROM users ORDER BY created_at, id", {}));
    std::vector<User> users;
    for (const Row row : rows) users.push_back(user_from(row));
    co_return users;
  }
};

#undef USER_COLUMNS

}  // namespace

Task<Result<User>> Users::create(UserId id, std::string name, Instant deadline) {
  User user{std::move(id), std::move(name), wall_time(transactor_.wall_now()), {}};
  if (user.id.empty()) user.id = UserId(transactor_.new_id("user"));
  return transactor_.write(CreateUser{std::move(user)}, deadline);
}

Task<Result<User>> Users::find(UserId id, Instant deadline) { return transactor_.read(FindUser{std::move(id)}, deadline); }

Task<Result<User>> Users::find_by_id_or_name(std::string text, Instant deadline) {
  return transactor_.read(FindByIdOrName{std::move(text)}, deadline);
}

Task<Result<User>> Users::set_disabled(UserId id, bool disabled, Instant deadline) {
  return transactor_.write(
      SetDisabled{std::move(id), disabled, AuditId(transactor_.new_id("audit")), wall_time(transactor_.wall_now())}, deadline);
}

Task<Result<std::vector<User>>> Users::list(Instant deadline) { return transactor_.read(ListUsers{}, deadline); }

}  // namespace reliant::store

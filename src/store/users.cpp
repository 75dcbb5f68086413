#include "store/users.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/parameter_list.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;
using ports::Value;
using ports::Values;

namespace {

User user_from(const Row& row) { return {UserId(row.text(0)), row.text(1), wall_time(row.integer(2))}; }

Task<Result<User>> user_by_id(Transaction& transaction, UserId id) {
  CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                     "SELECT id, name, created_at FROM users WHERE id = $1", {id.str()}));
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
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                       "SELECT id, name, created_at FROM users ORDER BY created_at, id", {}));
    std::vector<User> users;
    for (const Row row : rows) users.push_back(user_from(row));
    co_return users;
  }
};

#define TOKEN_COLUMNS "id, user_id, name, created_at, revoked_at"

Token token_from(const Row& row) {
  Token token{TokenId(row.text(0)), UserId(row.text(1)), row.text(2), wall_time(row.integer(3)),
              std::nullopt};
  if (!row.is_null(4)) token.revoked_at = wall_time(row.integer(4));
  return token;
}

struct CreateToken {
  using Value = Token;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own id
  Token token;
  std::string secret_sha256;

  Task<Result<Token>> run(Transaction& transaction) const {
    CO_TRY_OK((co_await user_by_id(transaction, token.user)).status());
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      "SELECT " TOKEN_COLUMNS " FROM tokens WHERE secret_sha256 = $1", {secret_sha256}));
    if (!rows.empty() && rows[0].text(0) == token.id.str()) co_return token;
    if (!rows.empty()) co_return already_exists("this token text is in use; make another one");
    CO_TRY_OK(
        (co_await transaction.execute(
             "INSERT INTO tokens (id, user_id, name, secret_sha256, created_at) VALUES ($1, $2, $3, $4, $5)",
             {token.id.str(), token.user.str(), token.name, secret_sha256,
              microseconds_of(token.created_at)}))
            .status());
    CO_TRY_OK(co_await append_audit(
        transaction, {AuditId(token.id.str()), token.user, "token.created", token.id.str(), {}, {}, token.created_at}));
    co_return token;
  }
};

struct FindToken {
  using Value = Token;
  std::string secret_sha256;

  Task<Result<Token>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      "SELECT " TOKEN_COLUMNS " FROM tokens WHERE secret_sha256 = $1", {secret_sha256}));
    if (rows.empty())
      co_return with_reason(unauthenticated("the token is not known here; create a new one"),
                            kReasonTokenInvalid);
    if (!rows[0].is_null(4))
      co_return with_reason(unauthenticated("the token was revoked; create a new one"), kReasonTokenRevoked);
    co_return token_from(rows[0]);
  }
};

struct RevokedTokens {
  using Value = std::vector<TokenId>;
  std::vector<TokenId> tokens;

  Task<Result<std::vector<TokenId>>> run(Transaction& transaction) const {
    Values values;
    for (const TokenId& token : tokens) values.add(token.str());
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      concat("SELECT id FROM tokens WHERE revoked_at IS NOT NULL AND id IN ",
                             parameter_list(1, tokens.size())),
                      std::move(values)));
    std::vector<TokenId> revoked;
    for (const Row row : rows) revoked.emplace_back(row.text(0));
    co_return revoked;
  }
};

struct RevokeToken {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // the first revocation stays
  UserId user;
  TokenId token;
  std::int64_t now;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("UPDATE tokens SET revoked_at = $3 "
                                               "WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL",
                                               {user.str(), token.str(), now}));
    if (rows.changed > 0) {
      CO_TRY_OK(co_await append_audit(transaction, {AuditId(concat("revoked_", token.str())), user, "token.revoked",
                                                    token.str(), {}, {}, wall_time(now)}));
      co_return std::monostate();
    }
    CO_TRY_ASSIGN(const Rows known, co_await transaction.execute("SELECT 1 FROM tokens WHERE user_id = $1 AND id = $2",
                                                                 {user.str(), token.str()}));
    if (known.empty()) co_return not_found("token ", token.str(), " does not exist");
    co_return std::monostate();
  }
};

struct ListTokens {
  using Value = std::vector<Token>;
  UserId user;

  Task<Result<std::vector<Token>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(
        const Rows rows,
        co_await transaction.execute(
            "SELECT " TOKEN_COLUMNS " FROM tokens WHERE user_id = $1 ORDER BY created_at, id", {user.str()}));
    std::vector<Token> tokens;
    for (const Row row : rows) tokens.push_back(token_from(row));
    co_return tokens;
  }
};

#undef TOKEN_COLUMNS

}  // namespace

Task<Result<User>> Users::create(UserId id, std::string name, Instant deadline) {
  User user{std::move(id), std::move(name), wall_time(transactor_.wall_now())};
  if (user.id.empty()) user.id = UserId(transactor_.new_id("user"));
  return transactor_.write(CreateUser{std::move(user)}, deadline);
}

Task<Result<User>> Users::find(UserId id, Instant deadline) {
  return transactor_.read(FindUser{std::move(id)}, deadline);
}

Task<Result<std::vector<User>>> Users::list(Instant deadline) { return transactor_.read(ListUsers{}, deadline); }

Task<Result<Token>> Tokens::create(UserId user, std::string name, std::string secret, Instant deadline) {
  Token token{TokenId(transactor_.new_id("token")), std::move(user), std::move(name),
              wall_time(transactor_.wall_now()), std::nullopt};
  return transactor_.write(CreateToken{std::move(token), sha256_hex(secret)}, deadline);
}

Task<Result<Token>> Tokens::authenticate(std::string secret, Instant deadline) {
  return transactor_.read(FindToken{sha256_hex(secret)}, deadline);
}

Task<Result<std::vector<TokenId>>> Tokens::revoked(std::vector<TokenId> tokens, Instant deadline) {
  std::vector<TokenId> all;
  for (std::size_t begin = 0; begin < tokens.size(); begin += kAsked) {
    const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = tokens.begin() + static_cast<std::ptrdiff_t>(std::min(tokens.size(), begin + kAsked));
    CO_TRY_ASSIGN(const auto some, co_await transactor_.read(RevokedTokens{{first, last}}, deadline));
    all.insert(all.end(), some.begin(), some.end());
  }
  co_return all;
}

Task<Status> Tokens::revoke(UserId user, TokenId token, Instant deadline) {
  co_return (co_await transactor_.write(
                 RevokeToken{std::move(user), std::move(token), transactor_.wall_now()}, deadline))
      .status();
}

Task<Result<std::vector<Token>>> Tokens::list(UserId user, Instant deadline) {
  return transactor_.read(ListTokens{std::move(user)}, deadline);
}

}  // namespace reliant::store

#include "store/tokens.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/digest.h"
#include "base/parameter_list.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;
using ports::Values;

namespace {

#define USER_IS_DISABLED "EXISTS (SELECT 1 FROM users u WHERE u.id = tokens.user_id AND u.disabled_at IS NOT NULL)"
#define TOKEN_COLUMNS                                                                                     \
  "id, user_id, name, created_at, revoked_at, kind, daemon_id, expires_at, last_used_at, replaces, CASE " \
  "WHEN " USER_IS_DISABLED " THEN 1 ELSE 0 END"

std::optional<WallTime> time_at(const Row& row, std::size_t column) {
  if (row.is_null(column)) return std::nullopt;
  return wall_time(row.integer(column));
}

Token token_from(const Row& row) {
  Token token;
  token.id = TokenId(row.text(0));
  token.user = UserId(row.text(1));
  token.name = row.text(2);
  token.created_at = wall_time(row.integer(3));
  token.revoked_at = time_at(row, 4);
  token.kind = model::token_kind_from(row.text(5));
  token.daemon = DaemonId(row.text(6));
  token.expires_at = time_at(row, 7);
  token.last_used_at = time_at(row, 8);
  token.replaces = TokenId(row.text(9));
  token.user_disabled = row.integer(10) != 0;
  return token;
}

// Finds its own id, when it runs again.
Task<Result<Token>> insert_token(Transaction& transaction, Token token, std::string secret_sha256) {
  CO_TRY_ASSIGN(const Rows users, co_await transaction.execute("SELECT 1 FROM users WHERE id = $1", {token.user.str()}));
  if (users.empty()) co_return not_found("user ", token.user.str(), " does not exist");
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute("SELECT id FROM tokens WHERE secret_sha256 = $1", {secret_sha256}));
  if (!rows.empty() && rows[0].text(0) == token.id.str()) co_return token;
  if (!rows.empty()) co_return already_exists("this token text is in use; make another one");
  const ports::Value expires = token.expires_at ? ports::Value(microseconds_of(*token.expires_at)) : ports::Value();
  CO_TRY_OK((co_await transaction.execute(
                 "INSERT INTO tokens (id, user_id, name, secret_sha256, created_at, kind, daemon_id, expires_at, replaces) "
                 "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                 {token.id.str(), token.user.str(), token.name, secret_sha256, microseconds_of(token.created_at),
                  std::string(model::to_string(token.kind)), token.daemon.str(), expires, token.replaces.str()}))
                .status());
  CO_TRY_OK(co_await append_audit(
      transaction, {AuditId(token.id.str()), token.user, "token.created", token.id.str(), token.daemon, {}, token.created_at}));
  co_return token;
}

struct CreateToken {
  using Value = Token;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  Token token;
  std::string secret_sha256;

  Task<Result<Token>> run(Transaction& transaction) const { return insert_token(transaction, token, secret_sha256); }
};

struct RenewToken {
  using Value = Token;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  TokenId old;
  TokenId id;
  std::string secret_sha256;
  WallTime now;

  Task<Result<Token>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT " TOKEN_COLUMNS " FROM tokens WHERE id = $1", {old.str()}));
    if (rows.empty()) co_return not_found("token ", old.str(), " does not exist");
    const Token before = token_from(rows[0]);
    CO_TRY_OK(validity_of(before, now));
    if (before.kind != model::TokenKind::kDaemon)
      co_return failed_precondition("token ", old.str(), " is not a daemon's; only those are renewed");
    CO_TRY_ASSIGN(const Rows waiting, co_await transaction.execute(
                                          "SELECT COUNT(*) FROM tokens WHERE replaces = $1 AND id <> $2 AND revoked_at IS NULL",
                                          {old.str(), id.str()}));
    if (waiting[0].integer(0) >= Tokens::kMostReplacements)
      co_return resource_exhausted("token ", old.str(), " has been renewed ", waiting[0].integer(0),
                                   " times, and none of the new ones was ever used; check that the daemon can write its "
                                   "credentials file");
    Token token = before;
    token.id = id;
    token.created_at = now;
    if (before.expires_at) token.expires_at = now + (*before.expires_at - before.created_at);
    token.last_used_at.reset();
    token.replaces = old;
    co_return co_await insert_token(transaction, std::move(token), secret_sha256);
  }
};

struct FindToken {
  using Value = Token;
  std::string secret_sha256;

  Task<Result<Token>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT " TOKEN_COLUMNS " FROM tokens WHERE secret_sha256 = $1",
                                                                {secret_sha256}));
    if (rows.empty())
      co_return with_reason(unauthenticated("the token is not known here; create a new one"), kReasonTokenInvalid);
    co_return token_from(rows[0]);
  }
};

struct EndedTokens {
  using Value = std::vector<Token>;
  std::vector<TokenId> tokens;
  std::int64_t now;

  Task<Result<std::vector<Token>>> run(Transaction& transaction) const {
    Values values;
    for (const TokenId& token : tokens) values.add(token.str());
    values.add(now);
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      concat("SELECT " TOKEN_COLUMNS " FROM tokens WHERE id IN ", parameter_list(1, tokens.size()),
                             " AND (revoked_at IS NOT NULL OR expires_at <= $", tokens.size() + 1, " OR " USER_IS_DISABLED ")"),
                      std::move(values)));
    std::vector<Token> ended;
    for (const Row row : rows) ended.push_back(token_from(row));
    co_return ended;
  }
};

struct RecordUse {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // the row says whether it was done
  TokenId token;
  std::int64_t now;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_OK(co_await record_uses(transaction, {token}, now));
    co_return std::monostate();
  }
};

struct RecordRefusal {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own id
  AuditEntry entry;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows known, co_await transaction.execute("SELECT 1 FROM audit_log WHERE id = $1", {entry.id.str()}));
    if (known.empty()) CO_TRY_OK(co_await append_audit(transaction, entry));
    co_return std::monostate();
  }
};

struct RevokeToken {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // the first revocation stays
  UserId user;
  TokenId token;
  std::int64_t now;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("UPDATE tokens SET revoked_at = $3 "
                                                                "WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL",
                                                                {user.str(), token.str(), now}));
    CO_TRY_OK((co_await transaction.execute("UPDATE tokens SET revoked_at = $3 "
                                            "WHERE user_id = $1 AND replaces = $2 AND revoked_at IS NULL",
                                            {user.str(), token.str(), now}))
                  .status());
    if (rows.changed > 0) {
      CO_TRY_OK(co_await append_audit(
          transaction, {AuditId(concat("revoked_", token.str())), user, "token.revoked", token.str(), {}, {}, wall_time(now)}));
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
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      "SELECT " TOKEN_COLUMNS " FROM tokens WHERE user_id = $1 ORDER BY created_at, id", {user.str()}));
    std::vector<Token> tokens;
    for (const Row row : rows) tokens.push_back(token_from(row));
    co_return tokens;
  }
};

#undef TOKEN_COLUMNS
#undef USER_IS_DISABLED

// The first use of tokens that replace others.
Task<Status> end_replaced(Transaction& transaction, const std::vector<TokenId>& used, std::int64_t now) {
  Values values;
  for (const TokenId& token : used) values.add(token.str());
  CO_TRY_ASSIGN(
      const Rows rows,
      co_await transaction.execute(concat("SELECT id, user_id, daemon_id, replaces FROM tokens WHERE replaces <> '' AND id IN ",
                                          parameter_list(1, used.size())),
                                   std::move(values)));
  for (const Row row : rows) {
    const std::string id = row.text(0);
    const std::string old = row.text(3);
    CO_TRY_ASSIGN(const Rows ended,
                  co_await transaction.execute("UPDATE tokens SET revoked_at = $3 WHERE revoked_at IS NULL AND "
                                               "(id = $1 OR (replaces = $1 AND id <> $2)) RETURNING id",
                                               {old, id, now}));
    CO_TRY_OK((co_await transaction.execute("UPDATE tokens SET replaces = '' WHERE id = $1", {id})).status());
    for (const Row each : ended)
      CO_TRY_OK(co_await append_audit(transaction, {AuditId(concat("replaced_", each.text(0))),
                                                    UserId(row.text(1)),
                                                    "token.replaced",
                                                    each.text(0),
                                                    DaemonId(row.text(2)),
                                                    {},
                                                    wall_time(now)}));
  }
  co_return ok_status();
}

}  // namespace

std::optional<Renewal> renewal_of(const Token& token) {
  if (token.kind != model::TokenKind::kDaemon || !token.expires_at) return std::nullopt;
  const Duration lifetime = *token.expires_at - token.created_at;
  return Renewal{*token.expires_at - lifetime / 3, lifetime / 30};
}

Status validity_of(const Token& token, WallTime now) {
  if (token.revoked_at) return with_reason(unauthenticated("the token was revoked; create a new one"), kReasonTokenRevoked);
  if (token.expires_at && *token.expires_at <= now)
    return with_reason(unauthenticated("the token expired at ", rfc3339(*token.expires_at), "; create a new one"),
                       model::kReasonTokenExpired);
  if (token.user_disabled)
    return with_reason(unauthenticated("the user ", token.user.str(),
                                       " is disabled; an administrator can enable it: reliant "
                                       "admin user enable ",
                                       token.user.str()),
                       model::kReasonUserDisabled);
  return ok_status();
}

Task<Status> record_uses(Transaction& transaction, std::vector<TokenId> tokens, std::int64_t now) {
  if (tokens.empty()) co_return ok_status();
  CO_TRY_OK(co_await end_replaced(transaction, tokens, now));
  Values values;
  for (const TokenId& token : tokens) values.add(token.str());
  values.add(now);
  values.add(now - std::chrono::floor<std::chrono::microseconds>(Tokens::kUseRecordedEvery).count());
  co_return (co_await transaction.execute(concat("UPDATE tokens SET last_used_at = $", tokens.size() + 1, " WHERE id IN ",
                                                 parameter_list(1, tokens.size()),
                                                 " AND (last_used_at IS NULL OR last_used_at <= $", tokens.size() + 2, ")"),
                                          std::move(values)))
      .status();
}

WallTime Tokens::now() const { return wall_time(transactor_.wall_now()); }

Task<Result<Token>> Tokens::create(NewToken wanted, std::string secret, Instant deadline) {
  Token token;
  token.id = TokenId(transactor_.new_id("token"));
  token.user = std::move(wanted.user);
  token.name = std::move(wanted.name);
  token.created_at = now();
  token.kind = wanted.kind;
  token.daemon = std::move(wanted.daemon);
  if (wanted.lifetime) token.expires_at = token.created_at + *wanted.lifetime;
  return transactor_.write(CreateToken{std::move(token), sha256_hex(secret)}, deadline);
}

Task<Result<Token>> Tokens::create(UserId user, std::string name, std::string secret, Instant deadline) {
  NewToken token;
  token.user = std::move(user);
  token.name = std::move(name);
  return create(std::move(token), std::move(secret), deadline);
}

Task<Result<Token>> Tokens::find(std::string secret, Instant deadline) {
  return transactor_.read(FindToken{sha256_hex(secret)}, deadline);
}

Task<Result<Token>> Tokens::authenticate(std::string secret, Instant deadline) {
  CO_TRY_ASSIGN(Token token, co_await find(std::move(secret), deadline));
  CO_TRY_OK(validity_of(token, now()));
  co_return token;
}

Task<Result<std::map<TokenId, Status>>> Tokens::ended(std::vector<TokenId> tokens, Instant deadline) {
  std::map<TokenId, Status> all;
  for (std::size_t begin = 0; begin < tokens.size(); begin += kAsked) {
    const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = tokens.begin() + static_cast<std::ptrdiff_t>(std::min(tokens.size(), begin + kAsked));
    const std::int64_t asked_at = transactor_.wall_now();
    CO_TRY_ASSIGN(const auto some, co_await transactor_.read(EndedTokens{{first, last}, asked_at}, deadline));
    for (const Token& token : some) all.emplace(token.id, validity_of(token, wall_time(asked_at)));
  }
  co_return all;
}

Task<Status> Tokens::record_use(TokenId token, Instant deadline) {
  co_return (co_await transactor_.write(RecordUse{std::move(token), transactor_.wall_now()}, deadline)).status();
}

Task<Status> Tokens::record_refusal(UserId user, TokenId token, DaemonId daemon, std::string reason, Instant deadline) {
  std::string word = std::move(reason);
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  const WallTime at = now();
  const std::int64_t period =
      microseconds_of(at) / std::chrono::floor<std::chrono::microseconds>(kRefusalRecordedEvery).count();
  AuditEntry entry{AuditId(concat("refused_", token.str(), "_", word, "_", period)),
                   std::move(user),
                   concat("token.refused.", word),
                   token.str(),
                   std::move(daemon),
                   {},
                   at};
  co_return (co_await transactor_.write(RecordRefusal{std::move(entry)}, deadline)).status();
}

Task<Result<Token>> Tokens::renew(TokenId token, std::string secret, Instant deadline) {
  return transactor_.write(RenewToken{std::move(token), TokenId(transactor_.new_id("token")), sha256_hex(secret), now()},
                           deadline);
}

Task<Status> Tokens::revoke(UserId user, TokenId token, Instant deadline) {
  co_return (co_await transactor_.write(RevokeToken{std::move(user), std::move(token), transactor_.wall_now()}, deadline))
      .status();
}

Task<Result<std::vector<Token>>> Tokens::list(UserId user, Instant deadline) {
  return transactor_.read(ListTokens{std::move(user)}, deadline);
}

}  // namespace reliant::store

// Personal access tokens (R52, R8; kinds: model/token.h). A token's secret is never stored: only its SHA-256 is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/token.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

struct Token {
  TokenId id;
  UserId user;
  std::string name;
  WallTime created_at;
  std::optional<WallTime> revoked_at;
  model::TokenKind kind = model::TokenKind::kUser;
  DaemonId daemon;                       // of a daemon's token: the one that it connects; "": of another kind
  std::optional<WallTime> expires_at;    // nullopt: never (R65)
  std::optional<WallTime> last_used_at;  // correct to kUseRecordedEvery
  bool user_disabled = false;
  TokenId replaces;  // the token that this one takes the place of when it is used first; "" from then on
};

// When a daemon's token is to be renewed: from `from` on, and again every `every` until it was.
struct Renewal {
  WallTime from;
  Duration every{};
};
// Nullopt: it is not a daemon's, or does not expire.
std::optional<Renewal> renewal_of(const Token& token);

// OK, or why the token is not accepted at `now`: UNAUTHENTICATED + TOKEN_REVOKED, TOKEN_EXPIRED (C10) or USER_DISABLED.
Status validity_of(const Token& token, WallTime now);

struct NewToken {
  UserId user;
  std::string name;
  model::TokenKind kind = model::TokenKind::kUser;
  DaemonId daemon;
  std::optional<Duration> lifetime;  // nullopt: it never expires
};

// Inside of a transaction: these tokens were used at `now` (microseconds). At most one write a token in kUseRecordedEvery. The
// first use of a token that replaces another one revokes that, and what else was to replace it.
Task<Status> record_uses(ports::Transaction& transaction, std::vector<TokenId> tokens, std::int64_t now);

// Every method may fail as Transactor does.
class Tokens {
 public:
  static constexpr Duration kUseRecordedEvery = std::chrono::minutes(1);
  static constexpr Duration kRefusalRecordedEvery = std::chrono::hours(1);

  explicit Tokens(Transactor& transactor) : transactor_(transactor) {}

  WallTime now() const;

  // NOT_FOUND: no such user. `secret` is the whole token text; the same text again is ALREADY_EXISTS.
  Task<Result<Token>> create(NewToken token, std::string secret, Instant deadline);
  // A user's token that never expires.
  Task<Result<Token>> create(UserId user, std::string name, std::string secret, Instant deadline);
  // UNAUTHENTICATED + TOKEN_INVALID: no token has this secret. The one that has it may be revoked or expired.
  Task<Result<Token>> find(std::string secret, Instant deadline);
  // As find, and the token is valid now.
  Task<Result<Token>> authenticate(std::string secret, Instant deadline);
  // Those of `tokens` that are not valid any more, each with its reason (validity_of); one statement for each kAsked of them.
  static constexpr std::size_t kAsked = 256;
  Task<Result<std::map<TokenId, Status>>> ended(std::vector<TokenId> tokens, Instant deadline);
  Task<Status> record_use(TokenId token, Instant deadline);
  // A failed sign-in with a known token goes to the audit log ("token.refused", with `reason` in lower case behind it): one
  // entry a token and reason in kRefusalRecordedEvery.
  Task<Status> record_refusal(UserId user, TokenId token, DaemonId daemon, std::string reason, Instant deadline);
  // Makes the token with this `secret` that replaces a daemon's `token` as soon as it is used first, with the same user, name,
  // daemon and lifetime. UNAUTHENTICATED: `token` is not valid any more; FAILED_PRECONDITION: it is not a daemon's;
  // RESOURCE_EXHAUSTED: kMostReplacements wait already to be used.
  static constexpr std::int64_t kMostReplacements = 8;
  Task<Result<Token>> renew(TokenId token, std::string secret, Instant deadline);
  // Also what was to replace it. Idempotent. NOT_FOUND: the user has no such token.
  Task<Status> revoke(UserId user, TokenId token, Instant deadline);
  Task<Result<std::vector<Token>>> list(UserId user, Instant deadline);  // oldest first

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

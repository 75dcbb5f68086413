// Users and their personal access tokens (R52, R8). A token's secret is never stored: only its SHA-256 is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

struct User {
  UserId id;
  std::string name;
  WallTime created_at;
};

struct Token {
  TokenId id;
  UserId user;
  std::string name;
  WallTime created_at;
  std::optional<WallTime> revoked_at;
};

// Every method may fail as Transactor does.
class Users {
 public:
  explicit Users(Transactor& transactor) : transactor_(transactor) {}

  // With an id: when there is such a user, that one. Empty: a new id.
  Task<Result<User>> create(UserId id, std::string name, Instant deadline);
  Task<Result<User>> find(UserId id, Instant deadline);  // NOT_FOUND
  Task<Result<std::vector<User>>> list(Instant deadline);  // all of them, oldest first: for administrators

 private:
  Transactor& transactor_;
};

class Tokens {
 public:
  explicit Tokens(Transactor& transactor) : transactor_(transactor) {}

  // NOT_FOUND: no such user. `secret` is the whole token text; the same text again is ALREADY_EXISTS.
  Task<Result<Token>> create(UserId user, std::string name, std::string secret, Instant deadline);
  // UNAUTHENTICATED + TOKEN_INVALID (nobody has it) or TOKEN_REVOKED (C10).
  Task<Result<Token>> authenticate(std::string secret, Instant deadline);
  // Those of `tokens` that were revoked, in one question for each kAsked of them.
  static constexpr std::size_t kAsked = 256;
  Task<Result<std::vector<TokenId>>> revoked(std::vector<TokenId> tokens, Instant deadline);
  // Idempotent. NOT_FOUND: the user has no such token.
  Task<Status> revoke(UserId user, TokenId token, Instant deadline);
  Task<Result<std::vector<Token>>> list(UserId user, Instant deadline);  // oldest first

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

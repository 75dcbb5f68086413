// Authenticator: who is it that calls? A port of the roles that are called (api, gateway), so that tokens of
// other kinds can join later. DbPatValidator knows personal access tokens, kept by the store (R52, C10).
//
// Executor: the logic thread. Stateless. Failures: UNAUTHENTICATED + TOKEN_INVALID or TOKEN_REVOKED is an
// answer; any other code means that the answer is not known now, and must never be taken for a refusal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/users.h"

namespace reliant::auth {

struct Caller {
  UserId user;
  TokenId token;  // by which it was known; "" = of a kind that is not kept, and cannot be revoked
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // `bearer`: the token itself, or the whole value of an `authorization` header ("Bearer rlnt_pat_…").
  virtual Task<Result<UserId>> authenticate(std::string bearer, Instant deadline) = 0;
  // As authenticate, for a caller who stays.
  virtual Task<Result<Caller>> identify(std::string bearer, Instant deadline);
  // Those of `tokens` that are not valid any more: one question about everybody who has stayed.
  virtual Task<Result<std::vector<TokenId>>> revoked(std::vector<TokenId> tokens, Instant deadline);
};

class DbPatValidator final : public Authenticator {
 public:
  explicit DbPatValidator(store::Tokens& tokens) : tokens_(tokens) {}
  Task<Result<UserId>> authenticate(std::string bearer, Instant deadline) override;
  Task<Result<Caller>> identify(std::string bearer, Instant deadline) override;
  Task<Result<std::vector<TokenId>>> revoked(std::vector<TokenId> tokens, Instant deadline) override;

 private:
  store::Tokens& tokens_;
};

}  // namespace reliant::auth

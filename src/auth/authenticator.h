// Authenticator: identifies the caller. A port of the roles that have callers (api, gateway), so that tokens of
// other kinds can join later. DbPatValidator knows personal access tokens, kept by the store (R52, C10).
//
// Executor: the logic thread. Failures: UNAUTHENTICATED + TOKEN_INVALID, TOKEN_REVOKED or TOKEN_EXPIRED is an
// answer; any other code means that the answer is not known now, and must never be taken for a refusal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/token.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/tokens.h"

namespace reliant::auth {

struct Caller {
  UserId user;
  TokenId token;  // by which it was known; "" = of a kind that is not kept, and cannot be revoked
  model::TokenKind kind = model::TokenKind::kUser;
  DaemonId daemon;                          // of a daemon's token: the only daemon that it connects
  bool use_is_due = false;                  // the token's last use is to be recorded (store/tokens.h)
  std::optional<store::Renewal> renewal{};  // nullopt: the token is not renewed
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // `bearer`: the token itself, or the whole value of an `authorization` header ("Bearer rlnt_pat_…"). What the caller may
  // do with a token of this kind is for the role to decide.
  virtual Task<Result<Caller>> identify(std::string bearer, Instant deadline) = 0;
  // Records that the token was used, if that is due, and that a known caller was refused because of `why` (its reason), in the
  // user's audit log. Neither keeps a call waiting for longer than kRecordTime; what cannot be recorded is left out.
  virtual Task<void> record_use(Caller caller, Instant deadline) = 0;
  virtual Task<void> record_refusal(Caller caller, Status why, Instant deadline) = 0;
  // Those of `tokens` that are not valid any more, each with the reason: one question about all callers that have stayed.
  virtual Task<Result<std::map<TokenId, Status>>> ended(std::vector<TokenId> tokens, Instant deadline) = 0;
};

class DbPatValidator final : public Authenticator {
 public:
  static constexpr Duration kRecordTime = std::chrono::seconds(1);
  static constexpr std::size_t kRemembered = 1024;  // refusals of the current hour, so that they are not written again

  explicit DbPatValidator(store::Tokens& tokens) : tokens_(tokens) {}
  Task<Result<Caller>> identify(std::string bearer, Instant deadline) override;
  Task<void> record_use(Caller caller, Instant deadline) override;
  Task<void> record_refusal(Caller caller, Status why, Instant deadline) override;
  Task<Result<std::map<TokenId, Status>>> ended(std::vector<TokenId> tokens, Instant deadline) override;

 private:
  using Refusal = std::tuple<TokenId, std::string, std::int64_t>;  // token, reason, hour

  store::Tokens& tokens_;
  std::set<Refusal> refusals_;
};

}  // namespace reliant::auth

// UnknownTokens: what strangers cost. Each token that is not known takes a query of the database to refuse, so an address may send
// so many of them a minute; beyond that they are refused unasked. Tokens that were good when they were looked at last pass, also
// from such an address: a whole office may share one.
//
// Owner: a role that is called (api, gateway). Executor: the logic thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "auth/authenticator.h"
#include "base/ids.h"
#include "base/status.h"
#include "runtime/clock.h"
#include "runtime/rate_limiter.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::auth {

struct UnknownTokenLimits {
  std::int64_t per_minute = 60;
  std::int64_t at_once = 30;
};

class UnknownTokens {
 public:
  // References outlive it.
  UnknownTokens(Authenticator& authenticator, Clock& clock, UnknownTokenLimits limits)
      : authenticator_(authenticator),
        clock_(clock),
        limiter_("unknown tokens from one address", "LIMIT_UNKNOWN_TOKENS", limits.per_minute, limits.at_once) {}

  // As Authenticator::identify. RESOURCE_EXHAUSTED + LIMIT_UNKNOWN_TOKENS: the address of `peer` ("address:port") has sent too
  // many unknown tokens, and this one is not known to be good.
  Task<Result<Caller>> identify(std::string bearer, std::string peer, Instant deadline);
  // Whose token it was when it was found good last; null: it was not.
  const UserId* user_of(const std::string& bearer) const;

 private:
  static constexpr std::size_t kManyTokens = 10'000;  // then the good ones are forgotten, and found good again

  Authenticator& authenticator_;
  Clock& clock_;
  RateLimiter limiter_;
  std::map<std::string, UserId> good_;  // by digest of the token, which is looked up each time all the same
};

}  // namespace reliant::auth

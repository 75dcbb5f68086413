// Gate: every call under /api/v2 passes here: the bearer token is checked and becomes a user. A daemon's token is
// refused: it can read nothing and makes no other tokens. The first call that passes is announced once, for what is started by need (the monolith's daemon, R13).
#pragma once

#include <set>
#include <string>

#include "api/call.h"
#include "api/rate_limiter.h"
#include "auth/authenticator.h"
#include "base/ids.h"
#include "base/status.h"
#include "ports/http_server.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::api {

class FirstRequestObserver {
 public:
  virtual ~FirstRequestObserver() = default;
  // On the logic thread, before the call goes on; does not block.
  virtual void on_first_request(const UserId& user) = 0;
};

class Gate {
 public:
  Gate(auth::Authenticator& authenticator, Clock& clock, const Limits& limits)
      : authenticator_(authenticator),
        clock_(clock),
        unknown_("unknown tokens from one address", "LIMIT_UNKNOWN_TOKENS", limits.unknown_tokens_per_minute,
                 limits.unknown_tokens_at_once) {}

  void set_observer(FirstRequestObserver& observer) { observer_ = &observer; }
  // UNAUTHENTICATED + TOKEN_INVALID, TOKEN_REVOKED or TOKEN_EXPIRED; PERMISSION_DENIED + TOKEN_SCOPE: a daemon's token;
  // RESOURCE_EXHAUSTED + LIMIT_UNKNOWN_TOKENS: the address of `peer` has sent too many unknown tokens, and this one is not
  // known to be good; another code: the token could not be checked now.
  Task<Result<auth::Caller>> admit(ports::HttpHeaders headers, std::string peer, Instant deadline);

 private:
  static constexpr std::size_t kManyTokens = 10'000;  // then the good ones are forgotten, and found good again

  auth::Authenticator& authenticator_;
  Clock& clock_;
  RateLimiter unknown_;
  std::set<std::string> good_;  // digests of tokens; they are looked up at each call all the same
  FirstRequestObserver* observer_ = nullptr;  // told once, then forgotten
};

}  // namespace reliant::api

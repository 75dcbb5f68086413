// Gate: every call under /api/v2 passes here, before its body is read: the bearer token is checked and becomes a user, who may
// change so much a minute. A daemon's token is refused: it can read nothing and makes no other tokens. The first call that passes
// is announced once, for what is started by need (the monolith's daemon, R13).
#pragma once

#include <string>

#include "api/call.h"
#include "auth/authenticator.h"
#include "auth/unknown_tokens.h"
#include "base/ids.h"
#include "base/status.h"
#include "ports/http_server.h"
#include "runtime/clock.h"
#include "runtime/rate_limiter.h"
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
        changes_("requests that change something", "LIMIT_CHANGES_PER_MINUTE", limits.changes_per_minute,
                 limits.changes_at_once),
        tokens_(authenticator, clock, limits.unknown_tokens) {}

  void set_observer(FirstRequestObserver& observer) { observer_ = &observer; }
  // UNAUTHENTICATED + TOKEN_INVALID, TOKEN_REVOKED or TOKEN_EXPIRED; PERMISSION_DENIED + TOKEN_SCOPE: a daemon's token;
  // RESOURCE_EXHAUSTED + LIMIT_UNKNOWN_TOKENS: the address of the peer has sent too many unknown tokens, and this one is not
  // known to be good; RESOURCE_EXHAUSTED + LIMIT_CHANGES_PER_MINUTE: of the user; another code: the token could not be checked
  // now. `head` is used until the task ends.
  Task<Result<auth::Caller>> admit(const ports::HttpServerRequest& head, Instant deadline);

 private:
  auth::Authenticator& authenticator_;
  Clock& clock_;
  RateLimiter changes_;
  auth::UnknownTokens tokens_;
  FirstRequestObserver* observer_ = nullptr;  // told once, then forgotten
};

}  // namespace reliant::api

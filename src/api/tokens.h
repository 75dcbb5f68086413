// The endpoints about personal access tokens (R65, R67): a daemon's registration, which makes one for it, the list of the
// user's tokens, and taking one back. A token's text is shown once, in the answer to the registration; the store has its hash.
#pragma once

#include "api/call.h"
#include "auth/secret_source.h"
#include "base/event_log.h"
#include "runtime/clock.h"
#include "runtime/rate_limiter.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::api {

class Tokens {
 public:
  Tokens(store::Store& store, auth::SecretSource& secrets, Clock& clock, EventLog& log, const Limits& limits)
      : store_(store),
        secrets_(secrets),
        clock_(clock),
        log_(log),
        limits_(limits),
        rate_("registrations", "LIMIT_REGISTRATIONS_PER_MINUTE", limits.registrations_per_minute,
              limits.registrations_per_minute) {}

  // {"daemon_id","name"?,"expires_in_days"?} -> 201 {"token","token_id","user_id","daemon_id","expires_at"?}: a token of kind
  // daemon, bound to that id; without expires_in_days it does not expire (R65). Again: another token; the first one stays
  // valid, since a lost answer and a late one look the same.
  Task<Answer> register_daemon(Call call);
  Task<Answer> me(Call call);  // {"user_id","name","token"}: whose call it is, and with which token, as in the list
  Task<Answer> list(Call call);
  Task<Answer> revoke(Call call);  // 204; again: 204
  Task<Answer> audit(Call call);   // ?cursor=&limit=: who had what done where, newest first (C50)

 private:
  store::Store& store_;
  auth::SecretSource& secrets_;
  Clock& clock_;
  EventLog& log_;
  const Limits& limits_;
  RateLimiter rate_;
};

}  // namespace reliant::api

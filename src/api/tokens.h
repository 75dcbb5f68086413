// The endpoints about personal access tokens (R65, R67): a daemon's registration, which makes one for it, the list of the
// user's tokens, and taking one back. A token's text is shown once, in the answer to the registration; the store has its hash.
#pragma once

#include "api/call.h"
#include "auth/secret_source.h"
#include "base/event_log.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::api {

class Tokens {
 public:
  Tokens(store::Store& store, auth::SecretSource& secrets, EventLog& log, const Limits& limits)
      : store_(store), secrets_(secrets), log_(log), limits_(limits) {}

  // {"daemon_id","name"?} -> 201 {"token","token_id","user_id","daemon_id"}. Again: another token; the first one stays
  // valid, since an answer that was lost and one that came late cannot be told apart.
  Task<Answer> register_daemon(Call call);
  Task<Answer> list(Call call);
  Task<Answer> revoke(Call call);  // 204; again: 204

 private:
  store::Store& store_;
  auth::SecretSource& secrets_;
  EventLog& log_;
  const Limits& limits_;
};

}  // namespace reliant::api

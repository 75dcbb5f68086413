// Gate: every call under /api/v2 passes here: the bearer token is checked and becomes a user. A daemon's token is
// refused: it can read nothing and makes no other tokens. The first call that passes is announced once, for what is started by need (the monolith's daemon, R13).
#pragma once

#include <string>

#include "auth/authenticator.h"
#include "base/ids.h"
#include "base/status.h"
#include "ports/rpc.h"
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
  explicit Gate(auth::Authenticator& authenticator) : authenticator_(authenticator) {}

  void set_observer(FirstRequestObserver& observer) { observer_ = &observer; }
  // UNAUTHENTICATED + TOKEN_INVALID, TOKEN_REVOKED or TOKEN_EXPIRED; PERMISSION_DENIED + TOKEN_SCOPE: a daemon's token;
  // another code: the token could not be checked now.
  Task<Result<auth::Caller>> admit(ports::RpcHeaders headers, Instant deadline);

 private:
  auth::Authenticator& authenticator_;
  FirstRequestObserver* observer_ = nullptr;  // told once, then forgotten
};

}  // namespace reliant::api

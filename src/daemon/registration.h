// Registration: gets a token of the daemon's own from the server (R65, R67, R68), on behalf of the user logged in on this
// machine: POST /api/v2/daemons/register.
//
// Owner: the composition root. Executor: the logic thread. Stateless but for which server comes next.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "ports/http_client.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::daemon {

struct Registered {
  UserId user;
  std::string token;
};

class Registration {
 public:
  // `servers`: "https://reliantapi.com", at least one, asked in turn. `session_token`: of the user's log-in; "": no user is
  // logged in. `http` outlives it.
  Registration(ports::HttpClient& http, std::vector<std::string> servers, std::string session_token);

  // UNAUTHENTICATED: no user is logged in, or the log-in is over: only the user can change that. INVALID_ARGUMENT: the
  // server does not take this id or name. Any other error may be tried again, after what retry_after_of says; the
  // server may have registered the daemon all the same, with a token that was lost on the way.
  Task<Result<Registered>> register_daemon(DaemonId daemon, std::string name, Instant deadline);

 private:
  ports::HttpClient& http_;
  std::vector<std::string> servers_;
  std::string session_token_;
  std::size_t next_ = 0;
};

}  // namespace reliant::daemon

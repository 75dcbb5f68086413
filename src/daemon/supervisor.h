// Supervisor: keeps a Daemon in credentials (R68, R69, R75, C10, C11, C14). It runs the daemon with the token that it was
// given, or with that of the credentials file; without one it registers. When a gateway says that the token is invalid or
// revoked, and only then, it moves the file away (".bak"), registers again and goes on: the recovery. At most one in ten
// minutes, also across restarts: a server that refuses what it has just issued must not be asked for more and more. Connection loss
// is the daemon's own affair: it backs off.
//
//   state          event                              next
//   serving        stopped, journal unusable          ended
//   serving        token refused, given by hand       ended: UNAUTHENTICATED, nothing is deleted (C11)
//   serving        a gateway renews the token         serving; the file has the new one before it is used
//   serving        token refused, the file has another serving with that (renewed, or made by the user)
//   serving        token refused, from the file       retired
//   no file        registered                         serving
//   retired        ten minutes over, registered       serving
//   retired        another file appeared              serving with that (the user has registered by hand)
//   any waiting    no user is logged in               ended: UNAUTHENTICATED
//
// Owner: the composition root. Executor: the logic thread. Destructible at any time.
#pragma once

#include <optional>
#include <string>

#include "base/event_log.h"
#include "daemon/credentials.h"
#include "daemon/daemon.h"
#include "daemon/registration.h"
#include "runtime/backoff.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/random.h"

namespace reliant::daemon {

class Supervisor {
 public:
  static constexpr Duration kBetweenRecoveries = std::chrono::minutes(10);

  // References outlive it. With `given_token` (--token, C14) file and registration are never used.
  Supervisor(Daemon& daemon, CredentialsFile& file, Registration& registration, Clock& clock, Random random, EventLog& log,
             std::string given_token);

  // Serves until stop(). OK: stopped. UNAUTHENTICATED: no credentials that the server takes, and none to be had; the
  // message says what the user must do. Otherwise: as Daemon::run, or the file cannot be used.
  Task<Status> run();
  // As Daemon::stop. A registration that is under way is waited for: a token that was issued is not to be lost.
  Task<void> stop(Instant deadline);

 private:
  Task<Result<std::string>> token();
  Task<Result<std::string>> enrol();
  Task<Result<std::optional<Credentials>>> wait_until_allowed();
  Task<Status> keep(std::string token);
  Task<Status> replace_token(std::string token);
  Task<bool> has_another();
  Task<Status> retire(Status why);
  void no_more_registering();
  Task<bool> pause(Duration time);
  Task<Status> serve();
  Task<bool> keep_credentials();

  Daemon& daemon_;
  CredentialsFile& file_;
  Registration& registration_;
  Clock& clock_;
  Random random_;
  EventLog& log_;
  std::string given_token_;
  std::optional<Instant> last_recovery_;  // in this life
  std::optional<Credentials> not_kept_;   // that it serves with, and the disk has not taken yet
  Event stopping_;
  bool registering_ = false;
  Event registered_;  // that is over
};

// What the daemon's process answers its caller (C11): 0 stopped, 3 no valid credentials, 1 anything else.
int exit_code_of(const Status& end);

}  // namespace reliant::daemon

// TokenRenewal: replaces the token of a session's daemon before it expires. The gateway offers a token, the daemon asks for it,
// is sent it, and uses it; from then on the session depends on the new token, and the old one is revoked. Frames of the daemon
// that nothing has asked for are ignored.
//
// Owner: the Session. Executor: the logic thread. A renewal that fails is offered again later.
#pragma once

#include <optional>
#include <string>

#include "base/event_log.h"
#include "gateway/records.h"
#include "gateway/session_stream.h"
#include "runtime/clock.h"

namespace reliant::gateway {

class TokenRenewal {
 public:
  // References outlive it. Of `identity` it changes the token and its renewal.
  TokenRenewal(Clock& clock, EventLog& log, Records& records, SessionIdentity& identity, SessionStream& stream)
      : clock_(clock), log_(log), records_(records), identity_(identity), stream_(stream) {}

  bool is_due() const;
  void offer();
  // The daemon's RenewToken and UseToken.
  Task<void> on_renew();
  Task<void> on_use(std::string token);

 private:
  Clock& clock_;
  EventLog& log_;
  Records& records_;
  SessionIdentity& identity_;
  SessionStream& stream_;
  std::optional<Instant> offered_;  // last
  bool may_renew_ = false;          // the daemon was offered a token, and has not asked for it yet
  bool may_use_ = false;            // it was sent one, and has not used it yet
};

}  // namespace reliant::gateway

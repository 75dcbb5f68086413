// Records: what a gateway reads and makes durable. Every write names its session; it is refused with reason SUPERSEDED
// when a newer epoch holds the daemon (C2), and the session then ends.
//
// Owner: the Gateway. Executor: the logic thread. Errors are those of the store: UNAVAILABLE may be tried again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "auth/authenticator.h"
#include "auth/secret_source.h"
#include "auth/unknown_tokens.h"
#include "base/ids.h"
#include "base/status.h"
#include "model/daemon_status.h"
#include "model/tool.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::gateway {

namespace proto = ::reliant::tools::v1;

struct SessionIdentity {
  UserId user;
  DaemonId daemon;
  std::int64_t epoch = 0;  // C2
  GatewayId gateway;
  std::string journal;                      // of the daemon; "" = an old one that does not say
  TokenId token;                            // that it came with, or has taken up since
  std::optional<store::Renewal> renewal{};  // of that token
};

// One that wants to be accepted.
struct Arrival {
  UserId user;
  proto::Register registration;
  TokenId used;  // whose use is recorded together with it; "": not due
};

// What a session's presence is to be.
struct PresenceRecord {
  SessionIdentity session;
  model::DaemonConnection connection = model::DaemonConnection::kDisconnected;
};

// Of a request: it has ended, and the cancel need not be passed on; it is open, and the cancel recorded; it is recorded
// nowhere (gateway/request_dispatcher.h).
enum class CancelAsked : std::uint8_t { kEnded, kOpen, kNotRecorded };

// Whose streams a newly accepted one ends (C2, R83).
using store::Displaces;

class Records {
 public:
  // Within this much the database answers, or the call has failed.
  static constexpr Duration kWriteTimeout = std::chrono::seconds(10);
  static constexpr Duration kLostAfter = std::chrono::minutes(5);
  static constexpr std::size_t kReplayed = 256;  // of one daemon at a time
  static constexpr Duration kLease = model::kGatewayLease;

  // References outlive it.
  Records(store::Store& store, auth::Authenticator& authenticator, auth::SecretSource& secrets, Clock& clock);

  // R52. `authorization` is the metadata's value. UNAUTHENTICATED with its reason (C10).
  Task<Result<auth::Caller>> authenticate(std::string authorization);
  // The same, of who is not known yet: RESOURCE_EXHAUSTED + LIMIT_UNKNOWN_TOKENS (auth/unknown_tokens.h).
  Task<Result<auth::Caller>> authenticate_stranger(std::string authorization, std::string peer);
  // PERMISSION_DENIED + TOKEN_OTHER_DAEMON: the token is bound to another daemon; that goes to the audit log.
  Task<Status> check_daemon(auth::Caller caller, DaemonId daemon);
  // Those that are not valid any more, each with the reason (C10), of many in one question.
  Task<Result<std::map<TokenId, Status>>> ended(std::vector<TokenId> tokens);
  // Makes the token that is to replace the session's (store::Tokens::renew), and returns its text.
  Task<Result<std::string>> renew_token(SessionIdentity session);
  // Records the first use of the token that replaces another one, which is revoked by that.
  Task<Status> use_token(TokenId token);
  // Takes the next epoch of each daemon, in one transaction: from now on every older one is refused. No daemon is among them
  // twice. An arrival's own error, RESOURCE_EXHAUSTED: its user has `max_daemons_per_user` daemons, and this is another one.
  Task<Result<std::vector<Result<std::int64_t>>>> accept(GatewayId gateway, std::vector<Arrival> arrivals, Displaces displaces,
                                                         std::int64_t max_daemons_per_user);
  // Each with what became of it, in one transaction. No daemon is among them twice.
  Task<Result<std::vector<Result<std::monostate>>>> record_presence(std::vector<PresenceRecord> sessions);
  // As it is stored. Unless it is done, it has been recorded as dispatched over this session. UNAVAILABLE: it was sent to
  // another journal of the daemon, which may come back; after a while it is done, its outcome unknown (C7).
  // FAILED_PRECONDITION: it was given up.
  Task<Result<store::Execution>> begin_execution(SessionIdentity session, model::ToolRequest request);
  // C9: recorded, so that it outlives this stream, unless the request is not: then the daemon remembers the cancel.
  Task<Result<CancelAsked>> ask_cancel(SessionIdentity session, RequestId request);
  // What was left open by earlier streams of the daemon, and by callers that died, oldest first (C6).
  Task<Result<std::vector<store::Execution>>> open_executions(SessionIdentity session);
  // Marks as lost what has been open for kLostAfter longer than it may take, of daemons that have stayed away.
  Task<Status> lose_overdue();
  // The first result wins; returns the one that is durable.
  Task<Result<model::ToolResult>> finish_execution(SessionIdentity session, RequestId request, model::ToolResult result);
  // Renews this gateway's place in the list of live ones, for kLease.
  Task<Status> announce(GatewayId gateway, std::string address);
  Task<Status> withdraw(GatewayId gateway);
  // A gateway's last life ended without a word: what it held then, it holds no more.
  Task<Status> forget_sessions(GatewayId gateway);
  Task<Result<std::vector<std::string>>> live_addresses();

 private:
  Instant deadline() const { return clock_.now() + kWriteTimeout; }

  store::Store& store_;
  auth::Authenticator& authenticator_;
  auth::UnknownTokens unknown_tokens_;
  auth::SecretSource& secrets_;
  Clock& clock_;
};

}  // namespace reliant::gateway

#include "gateway/records.h"

#include <utility>

#include "auth/token.h"

namespace reliant::gateway {

Records::Records(store::Store& store, auth::Authenticator& authenticator, auth::SecretSource& secrets, Clock& clock)
    : store_(store),
      authenticator_(authenticator),
      unknown_tokens_(authenticator, clock, {}),
      secrets_(secrets),
      clock_(clock) {}

Task<Result<auth::Caller>> Records::authenticate(std::string authorization) {
  co_return co_await authenticator_.identify(std::move(authorization), deadline());
}

Task<Result<auth::Caller>> Records::authenticate_stranger(std::string authorization, std::string peer) {
  co_return co_await unknown_tokens_.identify(std::move(authorization), std::move(peer), deadline());
}

Task<Status> Records::check_daemon(auth::Caller caller, DaemonId daemon) {
  if (caller.kind != model::TokenKind::kDaemon || caller.daemon == daemon) co_return ok_status();
  const Status refused = with_reason(
      permission_denied("this token is bound to daemon ", caller.daemon.str(), " and cannot connect daemon ", daemon.str(),
                        "; connect under that id, or register daemon ", daemon.str(), " to get a token for it"),
      model::kReasonTokenOtherDaemon);
  co_await authenticator_.record_refusal(std::move(caller), refused, deadline());
  co_return refused;
}

Task<Result<std::string>> Records::renew_token(SessionIdentity session) {
  std::string secret = auth::make_token(secrets_.next());
  CO_TRY_OK((co_await store_.tokens().renew(std::move(session.token), secret, deadline())).status());
  co_return secret;
}

Task<Status> Records::use_token(TokenId token) { co_return co_await store_.tokens().record_use(std::move(token), deadline()); }

Task<Result<std::map<TokenId, Status>>> Records::ended(std::vector<TokenId> tokens) {
  co_return co_await authenticator_.ended(std::move(tokens), deadline());
}

Task<Result<std::vector<Result<std::int64_t>>>> Records::accept(GatewayId gateway, std::vector<Arrival> arrivals,
                                                                Displaces displaces, std::int64_t max_daemons_per_user) {
  std::vector<store::DaemonArrival> all;
  for (auto& [user, registration, used] : arrivals) {
    store::DaemonArrival& arrival = all.emplace_back();
    arrival.user = std::move(user);
    arrival.id = DaemonId(registration.daemon_id());
    arrival.name = registration.name().empty() ? registration.daemon_id() : registration.name();
    arrival.kind = registration.kind() == proto::DAEMON_KIND_CLOUD ? "cloud" : "local";
    arrival.labels = {registration.labels().begin(), registration.labels().end()};
    arrival.tools = {registration.tools().begin(), registration.tools().end()};
    arrival.gateway = gateway;
    arrival.displaces = displaces;
    arrival.used = std::move(used);
  }
  co_return co_await store_.daemons().accept_all(std::move(all), max_daemons_per_user, deadline());
}

Task<Result<std::vector<Result<std::monostate>>>> Records::record_presence(std::vector<PresenceRecord> sessions) {
  std::vector<store::DaemonPresence> all;
  all.reserve(sessions.size());
  for (const auto& [session, connection] : sessions) all.push_back({session.user, session.daemon, session.epoch, connection});
  CO_TRY_ASSIGN(const auto written, co_await store_.daemons().set_connections(std::move(all), deadline()));
  std::vector<Result<std::monostate>> answers;
  answers.reserve(written.size());
  for (const Status& status : written)
    answers.push_back(status.ok() ? Result<std::monostate>(std::monostate()) : Result<std::monostate>(status));
  co_return answers;
}

namespace {

store::DaemonStream stream_of(const SessionIdentity& session) {
  return {session.user, session.daemon, session.epoch, session.journal};
}

Status elsewhere(const SessionIdentity& session) {
  return unavailable("the request was given to another machine that has the id of daemon ", session.daemon.str(),
                     "; it may come back with the result");
}

}  // namespace

Task<Result<store::Execution>> Records::begin_execution(SessionIdentity session, model::ToolRequest request) {
  const RequestId id = request.id;
  CO_TRY_ASSIGN(store::Execution known,
                co_await store_.executions().dispatch(std::move(request), stream_of(session), deadline()));
  if (sent_elsewhere(known, stream_of(session))) co_return elsewhere(session);
  if (known.state == store::ExecutionState::kLost)
    co_return failed_precondition("tool request ", id.str(), " was given up; it is not sent any more");
  co_return known;
}

Task<Result<model::ToolResult>> Records::finish_execution(SessionIdentity session, RequestId request,
                                                          model::ToolResult result) {
  CO_TRY_ASSIGN(store::Execution finished,
                co_await store_.executions().finish(std::move(request), stream_of(session), std::move(result), deadline()));
  if (!finished.result) co_return internal_error("a finished execution has no result");
  co_return *std::move(finished.result);
}

Task<Result<CancelAsked>> Records::ask_cancel(SessionIdentity session, RequestId request) {
  const auto asked = co_await store_.executions().ask_cancel(std::move(request), stream_of(session), deadline());
  if (asked.status().code() == StatusCode::kNotFound) co_return CancelAsked::kNotRecorded;
  CO_TRY_OK(asked.status());
  if (sent_elsewhere(*asked, stream_of(session))) co_return elsewhere(session);
  co_return asked->result ? CancelAsked::kEnded : CancelAsked::kOpen;
}

Task<Result<std::vector<store::Execution>>> Records::open_executions(SessionIdentity session) {
  co_return co_await store_.executions().open(session.user, session.daemon, kReplayed, deadline());
}

Task<Status> Records::lose_overdue() {
  const WallTime silent_since = clock_.wall_now() - model::kDisconnectedAfter;
  co_return (co_await store_.executions().lose_overdue(kLostAfter, silent_since, deadline())).status();
}

Task<Status> Records::announce(GatewayId gateway, std::string address) {
  co_return co_await store_.gateways().announce(std::move(gateway), std::move(address), deadline());
}

Task<Status> Records::withdraw(GatewayId gateway) {
  co_return co_await store_.gateways().withdraw(std::move(gateway), deadline());
}

Task<Status> Records::forget_sessions(GatewayId gateway) {
  co_return co_await store_.daemons().disconnect_all(std::move(gateway), deadline());
}

Task<Result<std::vector<std::string>>> Records::live_addresses() {
  CO_TRY_ASSIGN(const auto gateways, co_await store_.gateways().live(kLease, deadline()));
  std::vector<std::string> addresses;
  addresses.reserve(gateways.size());
  for (const store::Gateway& gateway : gateways) addresses.push_back(gateway.address);
  co_return addresses;
}

}  // namespace reliant::gateway

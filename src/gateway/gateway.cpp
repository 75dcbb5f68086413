#include "gateway/gateway.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "base/cause.h"
#include "base/finally.h"
#include "base/peer_address.h"
#include "base/text.h"
#include "router/daemon_router.h"
#include "runtime/deadline.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::gateway {
namespace {

constexpr Duration kLoseEvery = std::chrono::minutes(1);
// Draining: the longest retry-after that is sent, and the time that is left to close the remaining streams.
constexpr Duration kRetryAfter = std::chrono::seconds(2);
constexpr Duration kGoodbye = std::chrono::milliseconds(500);

Status newer_stream() { return with_reason(aborted("a newer stream of this daemon was accepted"), kReasonSuperseded); }

}  // namespace

Gateway::Gateway(Context& context, Clock& clock, EventLog& log, ports::LinkTransport& links, Records& records,
                 GatewayOptions options)
    : context_(context),
      clock_(clock),
      log_(log),
      links_(links),
      records_(records),
      options_(std::move(options)),
      registrations_(context, {.write = [this](std::vector<Arrival> arrivals) { return accept(std::move(arrivals)); },
                               .key_of = [this](const Arrival& arrival) { return who(arrival); }}),
      presence_writes_(
          context,
          {.write = [this](std::vector<PresenceRecord> sessions) { return records_.record_presence(std::move(sessions)); },
           .key_of =
               [](const PresenceRecord& presence) {
                 return std::pair(presence.session.user.str(), presence.session.daemon.str());
               }}),
      registration_permits_(options_.max_registrations),
      streams_by_address_(options_.max_streams_per_address),
      unregistered_(options_.unregistered),
      scope_(context) {}

Gateway::~Gateway() = default;

Task<Result<std::vector<Result<std::int64_t>>>> Gateway::accept(std::vector<Arrival> arrivals) {
  const Displaces displaces = options_.single_daemon_per_user ? Displaces::kEveryDaemonOfTheUser : Displaces::kItself;
  return records_.accept(options_.id, std::move(arrivals), displaces, options_.max_daemons_per_user);
}

std::pair<std::string, std::string> Gateway::who(const Arrival& arrival) const {
  return {arrival.user.str(), options_.single_daemon_per_user ? "" : arrival.registration.daemon_id()};
}

Task<Status> Gateway::start() {
  CO_TRY_OK(co_await records_.forget_sessions(options_.id));
  CO_TRY_ASSIGN(listener_, links_.listen(options_.listen_address));
  if (options_.advertised_address.empty()) options_.advertised_address = listener_->address();
  scope_.spawn(accept_links());
  scope_.spawn(announce());
  scope_.spawn(lose_overdue());
  scope_.spawn(renew_presence());
  scope_.spawn(look_tokens_up());
  log_.info("gateway.started", {{"gateway", options_.id.str()}, {"address", listener_->address()}});
  co_return ok_status();
}

Status Gateway::ready() const {
  if (draining_) return unavailable("its daemons are being sent on");
  if (listener_ == nullptr) return unavailable("it does not listen for daemons yet");
  return ok_status();
}

const std::string& Gateway::address() const { return listener_->address(); }

Task<void> Gateway::accept_links() {
  while (true) {
    auto link = co_await listener_->accept();
    if (!link.ok()) co_return;  // closed
    scope_.spawn(serve(*std::move(link)));
  }
}

Task<void> Gateway::announce() {
  while (true) {
    Status announced = co_await records_.announce(options_.id, options_.advertised_address);
    if (!announced.ok()) log_.warning("gateway.announce.failed", {{"error", described(announced)}});
    co_await look_for_others();  // for a stop while the database does not answer
    co_await sleep_for(Records::kLease / 3);
  }
}

Task<void> Gateway::lose_overdue() {
  while (true) {
    co_await sleep_for(kLoseEvery);
    Status lost = co_await records_.lose_overdue();
    if (!lost.ok()) log_.warning("gateway.lose_overdue.failed", {{"error", described(lost)}});
  }
}

// Renews the leases, and finds out which sessions a newer epoch has taken over.
Task<void> Gateway::renew_presence() {
  while (true) {
    co_await sleep_for(kRenewEvery);  // waits for no event: leases run out by time (executor timer)
    std::vector<std::shared_ptr<Session>> sessions;
    std::vector<PresenceRecord> presences;
    for (const auto& [key, session] : sessions_) {
      if (!session->is_to_be_renewed()) continue;
      sessions.push_back(session);
      presences.push_back(session->presence());
    }
    const std::vector<PresenceRecord> written = presences;
    const Instant asked = clock_.now();
    const auto answers = co_await presence_writes_.submit_all(std::move(presences), asked + Records::kWriteTimeout);
    for (std::size_t i = 0; i < sessions.size(); ++i) sessions[i]->recorded(written[i].connection, asked, answers[i].status());
  }
}

Task<void> Gateway::look_tokens_up() {
  while (true) {
    co_await sleep_for(kTokensLookedUpEvery);  // a database sends no notice of a revocation (executor timer)
    co_await end_revoked();
    for (const auto& [key, session] : sessions_)
      if (session->token_renewal().is_due()) session->token_renewal().offer();
  }
}

// C10: the stream's status says why the token is not valid any more (revoked, expired), and the daemon recovers.
Task<void> Gateway::end_revoked() {
  std::set<TokenId> tokens;
  for (const auto& [key, session] : sessions_)
    if (!session->identity().token.empty()) tokens.insert(session->identity().token);
  if (tokens.empty()) co_return;
  const auto ended = co_await records_.ended({tokens.begin(), tokens.end()});
  if (!ended.ok()) {
    log_.warning("gateway.tokens.not_looked_up", {{"error", described(ended.status())}});
    co_return;
  }
  for (const auto& [key, session] : sessions_) {
    const auto why = ended->find(session->identity().token);
    if (why != ended->end()) session->close(why->second);
  }
}

// Holds nothing that another daemon may wait for.
Task<Result<proto::Register>> Gateway::read_registration(ports::AcceptedLink& link) {
  UnregisteredStreams::Entry entry(unregistered_, link);
  auto first = co_await race(link.receive(clock_.now() + kRegistrationTime), entry.displaced());
  if (auto* const displaced = std::get_if<1>(&first)) co_return std::move(*displaced);
  CO_TRY_ASSIGN(const std::optional<std::string> bytes, std::get<0>(std::move(first)));
  if (bytes) CO_TRY_OK(check_message_size(bytes->size()));
  proto::DaemonFrame frame;
  if (!bytes || !frame.ParseFromString(*bytes) || !frame.has_register_())
    co_return invalid_field("register", "the first frame of a daemon's stream must be Register");
  CO_TRY_OK(check_registration(frame.register_(), options_.kinds_as_ids));
  co_return std::move(*frame.mutable_register_());
}

// Turns are promised one after the other, from when the first of those that are at it now should be done.
Status Gateway::crowded() {
  const Instant now = clock_.now();
  const Duration each = registration_takes_ / static_cast<std::int64_t>(options_.max_registrations);
  next_turn_ = std::min(std::max(next_turn_, now + registration_takes_) + each, now + kLongestWait);
  return with_retry_after(resource_exhausted("too many daemons register at the moment; come again in a while"),
                          next_turn_ - now);
}

Task<Result<std::shared_ptr<Session>>> Gateway::open(std::unique_ptr<ports::AcceptedLink>& link, proto::Registered& greeting) {
  CO_TRY_ASSIGN(proto::Register registration, co_await read_registration(*link));
  const std::optional<Semaphore::Permit> permit = registration_permits_.try_acquire();
  if (!permit) co_return crowded();
  const Instant since = clock_.now();
  const Finally measure([&] { registration_takes_ += (clock_.now() - since - registration_takes_) / 8; });
  log_.debug("gateway.registration.begun", {{"gateway", options_.id.str()}, {"at_once", registration_permits_.used()}});
  auto identity = co_await enrol(*link, std::move(registration));
  log_.debug("gateway.registration.ended", {{"gateway", options_.id.str()}});
  CO_TRY_OK(identity.status());
  greeting.set_epoch(identity->epoch);
  greeting.set_gateway_id(options_.id.str());
  greeting.set_user_id(identity->user.str());
  greeting.set_heartbeat_interval_ms(std::chrono::milliseconds(std::chrono::seconds(15)).count());
  co_await add_addresses(greeting);
  std::shared_ptr<UserBudgets> budgets = budgets_of(identity->user);
  co_return std::make_shared<Session>(context_, clock_, log_, records_, presence_writes_, *std::move(identity),
                                      std::move(budgets), options_.frames, std::move(link));
}

Task<Result<SessionIdentity>> Gateway::enrol(const ports::AcceptedLink& link, proto::Register registration) {
  const auto authorization = link.metadata().find("authorization");
  const std::string bearer = authorization == link.metadata().end() ? "" : authorization->second;
  CO_TRY_ASSIGN(const auth::Caller caller, co_await records_.authenticate_stranger(bearer, link.peer()));
  CO_TRY_OK(co_await records_.check_daemon(caller, DaemonId(registration.daemon_id())));
  if (draining_) co_return unavailable("the gateway stops; connect to another one");
  SessionIdentity identity{
      caller.user, DaemonId(registration.daemon_id()), 0, options_.id, registration.journal_id(), caller.token, caller.renewal};
  CO_TRY_ASSIGN(identity.epoch, co_await registrations_.submit(
                                    {caller.user, std::move(registration), caller.use_is_due ? caller.token : TokenId()},
                                    clock_.now() + Records::kWriteTimeout));
  co_return identity;
}

std::shared_ptr<UserBudgets> Gateway::budgets_of(const UserId& user) {
  std::shared_ptr<UserBudgets> budgets = budgets_[user].lock();
  if (budgets) return budgets;
  std::erase_if(budgets_, [](const auto& entry) { return entry.second.expired(); });
  budgets = std::make_shared<UserBudgets>();
  budgets_[user] = budgets;
  return budgets;
}

// The others begin with another one for each daemon: should this gateway die, its daemons do not all go to the same.
Task<void> Gateway::add_addresses(proto::Registered& greeting) {
  greeting.add_gateway_addresses(options_.advertised_address);
  co_await look_for_others();
  if (others_.empty()) co_return;
  std::vector<std::string> others = others_;
  std::rotate(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(greeted_++ % others.size()), others.end());
  for (std::string& address : others) greeting.add_gateway_addresses(std::move(address));
}

Task<void> Gateway::look_for_others() {
  auto live = co_await records_.live_addresses();
  if (!live.ok()) co_return;
  others_ = *std::move(live);
  std::erase(others_, options_.advertised_address);
}

Status Gateway::too_many_streams() const {
  return with_retry_after(
      with_reason(resource_exhausted("your address has ", options_.max_streams_per_address,
                                     " streams at this gateway, which is as many as it may have; end some of "
                                     "them, or have the limit raised (--max-streams-per-address)"),
                  "LIMIT_STREAMS_OF_ADDRESS"),
      kLongestWait);
}

Task<void> Gateway::serve(std::unique_ptr<ports::AcceptedLink> link) {
  const StreamsByAddress::Place place(streams_by_address_, network_of_peer(link->peer()));
  proto::Registered greeting;
  Result<std::shared_ptr<Session>> opened = too_many_streams();
  if (!place.is_beyond()) opened = co_await open(link, greeting);
  if (opened.ok()) co_return co_await hold(*std::move(opened), std::move(greeting));
  const Duration wait = retry_after_of(opened.status());
  log_.warning("gateway.session.refused", {{"error", described(opened.status())},
                                           {"retry_after_us", std::chrono::ceil<std::chrono::microseconds>(wait).count()}});
  if (link) link->finish(opened.status());
}

Task<void> Gateway::hold(std::shared_ptr<Session> session, proto::Registered greeting) {
  const Key key(session->identity().user, session->identity().daemon);

  // Newcomer wins at once (C2), unless two registrations overtook each other between the store and here.
  std::shared_ptr<Session>& slot = sessions_[key];
  if (slot && slot->identity().epoch > session->identity().epoch) {
    session->close(newer_stream());
  } else {
    if (slot) slot->close(newer_stream());
    slot = session;
    if (observer_) observer_->session_opened(session->identity());
    if (options_.single_daemon_per_user) superseded(key.first, key.second, session->identity().epoch);
    if (draining_) session->close(unavailable("the gateway stops; connect to another one"));  // it was late
  }
  co_await session->run(std::move(greeting));

  const auto current = sessions_.find(key);
  if (current != sessions_.end() && current->second == session) {
    sessions_.erase(current);
    if (observer_) observer_->session_closed(session->identity());
  }
  a_session_ended_.set();
  // A newer epoch refuses this, and says the truth already; without a database the lease runs out.
  const Status recorded = co_await session->record(model::DaemonConnection::kDisconnected);
  if (!recorded.ok()) log_.debug("gateway.session.end_not_recorded", {{"error", described(recorded)}});
}

Task<void> Gateway::stop(Instant deadline) {
  draining_ = true;
  listener_->close();
  // Half of the time is kept for what needs no database: the drain messages are sent even if it hangs.
  const Instant half = after(clock_.now(), (deadline - clock_.now()) / 2);
  const auto withdrawn = co_await with_deadline(records_.withdraw(options_.id), half);
  if (!withdrawn || !withdrawn->ok()) log_.warning("gateway.withdraw.failed");  // the lease runs out
  (void)co_await with_deadline(look_for_others(), half);
  if (!others_.empty()) {  // without another gateway no daemon can move
    co_await send_on(others_, deadline);
    while (!sessions_.empty()) {
      a_session_ended_.reset();
      if (!co_await a_session_ended_.wait(deadline - kGoodbye)) break;
    }
  }
  log_.info("gateway.drained", {{"gateway", options_.id.str()}, {"left", sessions_.size()}});
  for (auto& [key, session] : sessions_) session->close(unavailable("the gateway stops; connect to another one"));
  while (!sessions_.empty()) {
    a_session_ended_.reset();
    if (!co_await a_session_ended_.wait(deadline)) break;
  }
}

// Each daemon begins with another gateway, and who does not get in there tries again at another time: the others see a
// steady stream of them instead of a storm.
Task<void> Gateway::send_on(std::vector<std::string> others, Instant deadline) {
  std::vector<std::shared_ptr<Session>> leaving;
  leaving.reserve(sessions_.size());
  for (const auto& [key, session] : sessions_) leaving.push_back(session);
  for (std::size_t i = 0; i < leaving.size() && clock_.now() < deadline; ++i) {
    leaving[i]->drain(others, kRetryAfter * static_cast<std::int64_t>(i + 1) / static_cast<std::int64_t>(leaving.size()));
    std::rotate(others.begin(), others.begin() + 1, others.end());
    if ((i + 1) % kDrainBatch == 0) co_await sleep_for(kDrainPause);
  }
}

std::shared_ptr<Session> Gateway::find(const UserId& user, const DaemonId& daemon) const {
  const auto found = sessions_.find({user, daemon});
  return found == sessions_.end() ? nullptr : found->second;
}

bool Gateway::holds(const UserId& user, const DaemonId& daemon) const { return find(user, daemon) != nullptr; }

model::PublicStatus Gateway::status(const UserId& user, const DaemonId& daemon) const {
  const std::shared_ptr<Session> session = find(user, daemon);
  return session ? session->status() : model::PublicStatus::kDisconnected;
}

Instant Gateway::last_frame(const UserId& user, const DaemonId& daemon) const {
  const std::shared_ptr<Session> session = find(user, daemon);
  return session ? session->last_frame() : Instant{};
}

Task<Result<model::ToolResult>> Gateway::execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline) {
  const std::shared_ptr<Session> session = find(request.user, request.daemon);  // kept alive by this frame
  if (!session) co_return router::daemon_offline(request.daemon);
  co_return co_await session->execute(std::move(request), sink, deadline);
}

Task<Status> Gateway::command(model::DaemonCommand command, Instant deadline) {
  const std::shared_ptr<Session> session = find(command.user, command.daemon);
  if (!session) co_return router::daemon_offline(command.daemon);
  co_return co_await session->command(std::move(command), deadline);
}

std::vector<model::HeldDaemon> Gateway::held(const UserId& user) const {
  std::vector<model::HeldDaemon> held;
  for (auto at = sessions_.lower_bound({user, DaemonId()}); at != sessions_.end() && at->first.first == user; ++at)
    held.push_back(at->second->held());
  return held;
}

void Gateway::superseded(const UserId& user, const DaemonId& daemon, std::int64_t epoch) {
  const std::shared_ptr<Session> session = find(user, daemon);
  if (session && session->identity().epoch < epoch) session->close(newer_stream());
  if (!options_.single_daemon_per_user) return;
  // Which of two daemons came last, only the store knows.
  for (auto at = sessions_.lower_bound({user, DaemonId()}); at != sessions_.end() && at->first.first == user; ++at)
    if (at->first.second != daemon) at->second->check_epoch();
}

}  // namespace reliant::gateway

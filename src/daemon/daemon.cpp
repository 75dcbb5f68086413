#include "daemon/daemon.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/cause.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/token.h"
#include "runtime/deadline.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::daemon {
namespace {

constexpr std::string_view kMethod = "reliant.tools.v1.ToolsDaemonService/Connect";
constexpr Duration kConnectTime = std::chrono::seconds(10);
// Two daemons with one id throw each other out (C2); slowly, then.
constexpr Duration kAfterSuperseded = std::chrono::seconds(10);
// How often stop() looks whether the results have gone.
constexpr Duration kHandOverStep = std::chrono::milliseconds(20);

}  // namespace

Daemon::Daemon(Context& context, Clock& clock, Random random, EventLog& log, ports::LinkTransport& links,
               tools::ToolRegistry& tools, ports::Processes& processes, ports::Database& journal, DaemonOptions options)
    : context_(context),
      clock_(clock),
      log_(log),
      links_(links),
      tools_(tools),
      options_(std::move(options)),
      random_(random.next()),
      backoff_(options_.backoff, random_),
      journal_(context, journal, clock, Random(random.next())),
      runner_(context, clock, log, tools, processes, journal_,
              RunnerOptions{.daemon = options_.id,
                            .working_directory = options_.working_directory,
                            .max_running = options_.max_tools,
                            .max_waiting = options_.max_waiting_tools}),
      scope_(context) {
  RELIANT_ASSERT(!options_.gateway_addresses.empty(), "a daemon is given at least one gateway");
}

Daemon::~Daemon() = default;

Task<Status> Daemon::open() {
  if (opened_) co_return ok_status();
  CO_TRY_OK(co_await runner_.open());
  opened_ = true;
  scope_.spawn(runner_.records().prune_for_ever());
  co_return ok_status();
}

Task<Status> Daemon::run() {
  running_ = true;
  Status end = co_await open();
  if (end.ok()) end = co_await serve_for_ever();
  running_ = false;
  stopped_.set();
  co_return end;
}

Task<void> Daemon::stop(Instant deadline) {
  if (!co_await runner_.finish_all(deadline))
    log_.warning("daemon.stop.interrupts", {{"daemon", options_.id.str()}, {"running", runner_.running()}});
  while (connected_ && !runner_.records().offers().empty() && clock_.now() < deadline) co_await sleep_for(kHandOverStep);
  stopping_.set();
  if (running_) co_await stopped_.wait(deadline);
}

Task<Status> Daemon::serve_for_ever() {
  while (!stopping_.is_set()) {
    auto attempt = co_await race(connect(next_address()), stopping_.wait());
    if (std::holds_alternative<bool>(attempt)) break;
    auto& opened = std::get<Result<Opened>>(attempt);
    Status end;
    if (opened.ok()) {
      end = co_await serve(*std::move(opened));
      failed_ = 0;
    } else {
      ++failed_;
      end = opened.status();
      log_.info("daemon.connect.failed", {{"daemon", options_.id.str()}, {"error", described(end)}});
    }
    if (stopping_.is_set()) break;
    // A token that was renewed since then has not been refused yet.
    if (model::refuses_token(end) && token_used_ == options_.token) {
      log_.warning("daemon.refused", {{"daemon", options_.id.str()}, {"reason", reason_of(end)}, {"error", described(end)}});
      co_return end;
    }
    co_await stopping_.wait(after(clock_.now(), wait_after(end, Duration::zero(), backoff_)));
  }
  co_return ok_status();
}

// Until the stream has ended and no other one has taken its place.
Task<Status> Daemon::serve(Opened opened) {
  Instant begin = clock_.now();
  for (;;) {
    (void)co_await race(opened.session->changed().wait(), stopping_.wait());
    if (!opened.session->ended() && !stopping_.is_set() && co_await move_on(opened)) {
      begin = clock_.now();
      continue;
    }
    if (!opened.session->ended()) {  // stopping
      opened.session->close();
      co_await opened.session->gone().wait(after(clock_.now(), kConnectTime));
      ended(opened, ok_status());
      co_return ok_status();
    }
    backoff_.was_up_for(clock_.now() - begin);
    const Status why = opened.session->end();
    if (opened.session->fell_silent()) {
      silent_ = {opened.address};
      if (!live_.empty()) silent_.push_back(live_.front());
    }
    ended(opened, why);
    co_return why;
  }
}

// The gateway drains: opens a stream elsewhere while the old one still serves. False: the old one has ended
// first.
Task<bool> Daemon::move_on(Opened& opened) {
  const proto::Drain drain = *opened.session->drain();
  std::vector<std::string> targets(drain.gateway_addresses().begin(), drain.gateway_addresses().end());
  if (targets.empty()) targets = options_.gateway_addresses;
  Backoff backoff(options_.backoff, random_);
  for (std::size_t i = 0; !opened.session->ended() && !stopping_.is_set(); ++i) {
    auto next = co_await connect(targets[i % targets.size()]);
    if (next.ok()) {
      log_.info("daemon.moved_on", {{"daemon", options_.id.str()}, {"from", opened.address}, {"to", next->address}});
      ended(opened, unavailable("the gateway drains"));
      connected_ = true;
      opened.session->close();
      // It may still be saying goodbye; its own end is of no interest any more.
      std::swap(opened, *next);
      const std::unique_ptr<Session> old = std::move(next->session);
      co_await old->gone().wait(after(clock_.now(), kConnectTime));
      co_return true;
    }
    const Duration asked = std::chrono::milliseconds(std::max<std::int64_t>(0, drain.retry_after_ms()));
    // Not a moment longer than the old stream lasts.
    const Instant again = after(clock_.now(), wait_after(next.status(), asked, backoff));
    (void)co_await race(stopping_.wait(again), opened.session->gone().wait());
  }
  co_return false;
}

// An overloaded gateway sends a retry-after: that is no failure, so the backoff does not grow. Jitter is added, because other
// daemons may have received the same time.
Duration Daemon::wait_after(const Status& end, Duration at_least, Backoff& backoff) {
  const Duration told = retry_after_of(end);
  if (end.code() == StatusCode::kResourceExhausted && told > Duration::zero())
    return std::max(told, at_least) + random_.duration(Duration::zero(), options_.backoff.base);
  const bool superseded = reason_of(end) == kReasonSuperseded;
  // That one gateway is not there says nothing of the others: until all were tried, the ceiling stays. Those whose gateway
  // has died have failed twice, though, each with the same: were the second wait no longer than the first, most would come
  // to the others in the middle of the two.
  if (failed_ % addresses().size() != 0 && !superseded && at_least + told == Duration::zero()) {
    const Duration base = options_.backoff.base;
    return random_.duration(Duration::zero(), failed_ == 1 ? std::min(backoff.ceiling(), 2 * base) : base);
  }
  return backoff.next(std::max({at_least, told, superseded ? kAfterSuperseded : Duration::zero()}));
}

Task<Result<Daemon::Opened>> Daemon::connect(std::string address) {
  const Instant deadline = after(clock_.now(), kConnectTime);
  token_used_ = options_.token;
  ports::LinkTarget target{address, std::string(kMethod), {{"authorization", concat("Bearer ", token_used_)}}};
  auto link = co_await links_.connect(std::move(target), deadline);
  if (!link.ok()) co_return link.status();

  proto::Register registration;
  registration.set_daemon_id(options_.id.str());
  registration.set_name(text_from_bytes(options_.name));
  registration.set_kind(options_.kind == DaemonKind::kLocal ? proto::DAEMON_KIND_LOCAL : proto::DAEMON_KIND_CLOUD);
  for (const auto& [key, value] : options_.labels)
    (*registration.mutable_labels())[text_from_bytes(key)] = text_from_bytes(value);
  for (const auto* tool : tools_.descriptors()) registration.add_tools(tool->name);
  registration.set_version(options_.version);
  registration.set_journal_id(runner_.records().journal_id());
  const auto registered =
      co_await Session::introduce(**link, std::move(registration), after(clock_.now(), Session::kRegistrationTime));
  if (!registered.ok()) co_return registered.status();

  learn(*registered);
  const Duration heartbeat = registered->heartbeat_interval_ms() > 0
                                 ? Duration(std::chrono::milliseconds(registered->heartbeat_interval_ms()))
                                 : options_.heartbeat;
  Opened opened{std::make_unique<Session>(context_, clock_, runner_, *std::move(link), heartbeat), std::move(address),
                registered->epoch()};
  began(opened, *registered);
  if (options_.read_again) opened.session->set_reload([this] { return reload(); });
  if (keep_token_) opened.session->set_keep_token(keep_token_);
  opened.session->start();
  co_return opened;
}

Status Daemon::reload() {
  TRY_ASSIGN(DaemonSettings settings, options_.read_again());
  if (settings.gateway_addresses.empty())
    return invalid_field("gateway_addresses", "the configuration names no gateway; give at least one");
  options_.name = std::move(settings.name);
  options_.labels = std::move(settings.labels);
  options_.gateway_addresses = std::move(settings.gateway_addresses);
  log_.info("daemon.reloaded", {{"daemon", options_.id.str()}, {"called", options_.name}});
  return ok_status();
}

void Daemon::learn(const proto::Registered& registered) {
  live_.assign(registered.gateway_addresses().begin(), registered.gateway_addresses().end());
  silent_.clear();
  attempt_ = 0;
  runner_.set_user(UserId(registered.user_id()));
}

void Daemon::began(const Opened& opened, const proto::Registered& registered) {
  connected_ = true;
  log_.info("daemon.connected", {{"user", registered.user_id()},
                                 {"daemon", options_.id.str()},
                                 {"epoch", opened.epoch},
                                 {"type", options_.kind == DaemonKind::kLocal ? "local" : "cloud"},
                                 {"gateway", registered.gateway_id()},
                                 {"address", opened.address}});
}

void Daemon::ended(const Opened& opened, const Status& why) {
  connected_ = false;
  log_.info("daemon.disconnected", {{"daemon", options_.id.str()}, {"epoch", opened.epoch}, {"why", described(why)}});
}

// The live gateways that the last one told of, then the configured ones, round and round. That one itself is the first: it
// has died, which is known at once, or is back. Lost by silence, it is the last: a process that has frozen still takes
// connections, and an attempt would wait for all of kConnectTime.
std::vector<std::string> Daemon::addresses() const {
  std::vector<std::string> all = live_;
  for (const std::string& address : options_.gateway_addresses) {
    if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
  }
  for (const std::string& address : silent_) {
    if (std::erase(all, address) > 0) all.push_back(address);
  }
  return all;
}

std::string Daemon::next_address() {
  const std::vector<std::string> all = addresses();
  return all[attempt_++ % all.size()];
}

}  // namespace reliant::daemon

#include "daemon/supervisor.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/cause.h"
#include "base/text.h"
#include "model/token.h"
#include "runtime/race.h"

namespace reliant::daemon {
namespace {

constexpr Duration kRegistrationTime = std::chrono::seconds(20);  // for one attempt
// While it may not register yet: how often it looks for a file that the user may have made.
constexpr Duration kLookAgain = std::chrono::seconds(30);

Status stopped() { return cancelled("the daemon is stopping"); }

// Trouble with the disk or the server that may pass.
bool passes(const Status& status) {
  if (reason_of(status) == model::kReasonUserDisabled) return true;  // until the user is enabled
  return status.code() != StatusCode::kUnauthenticated && status.code() != StatusCode::kInvalidArgument &&
         status.code() != StatusCode::kPermissionDenied && status.code() != StatusCode::kNotFound;
}

}  // namespace

int exit_code_of(const Status& end) {
  if (end.ok()) return 0;
  return end.code() == StatusCode::kUnauthenticated ? 3 : 1;
}

Supervisor::Supervisor(Daemon& daemon, CredentialsFile& file, Registration& registration, Clock& clock, Random random,
                       EventLog& log, std::string given_token)
    : daemon_(daemon),
      file_(file),
      registration_(registration),
      clock_(clock),
      random_(random),
      log_(log),
      given_token_(std::move(given_token)) {
  if (given_token_.empty()) daemon_.set_keep_token([this](std::string token) { return keep(std::move(token)); });
}

Task<Status> Supervisor::run() {
  // Before a token: on a full disk this life ends here, and one that had registered could not keep it for the next life.
  CO_TRY_OK(co_await daemon_.open());
  while (!stopping_.is_set()) {
    auto found = co_await token();
    if (stopping_.is_set()) break;
    if (!found.ok()) co_return found.status();
    daemon_.set_token(*std::move(found));
    Status end = co_await serve();
    if (!model::refuses_token(end)) co_return end;
    if (!given_token_.empty())
      co_return with_reason(unauthenticated(message_of(end), "; pass another token with --token"), reason_of(end));
    if (co_await has_another()) continue;
    if (Status retired = co_await retire(std::move(end)); !retired.ok()) co_return retired;
  }
  co_return ok_status();
}

Task<Status> Supervisor::serve() {
  auto end = co_await race(daemon_.run(), keep_credentials());
  co_return std::get<Status>(std::move(end));
}

// The disk had no room for them: it may have some later, and the next life must not have to register again. Never ends.
Task<bool> Supervisor::keep_credentials() {
  Backoff backoff({}, random_);
  Event never;
  while (not_kept_) {
    co_await never.wait(after(clock_.now(), backoff.next()));
    if (!(co_await file_.write(*not_kept_)).ok()) continue;
    log_.info("daemon.credentials.kept", {{"daemon", daemon_.id().str()}});
    not_kept_.reset();
  }
  co_return co_await never.wait();
}

Task<void> Supervisor::stop(Instant deadline) {
  stopping_.set();
  co_await daemon_.stop(deadline);
  if (registering_) co_await registered_.wait(deadline);
}

// True: it has passed; false: the daemon stops.
Task<bool> Supervisor::pause(Duration time) { co_return !co_await stopping_.wait(after(clock_.now(), time)); }

// R69, with what C14 says about the order.
Task<Result<std::string>> Supervisor::token() {
  if (!given_token_.empty()) co_return given_token_;
  if (not_kept_) co_return not_kept_->token;  // what the disk could not take is as good, also when it runs again
  Backoff backoff({}, random_);
  for (;;) {
    const auto kept = co_await file_.read();
    if (kept.ok() && *kept) co_return (*kept)->token;
    if (kept.ok()) co_return co_await enrol();
    log_.warning("daemon.credentials.unreadable", {{"daemon", daemon_.id().str()}, {"error", described(kept.status())}});
    if (!passes(kept.status())) co_return kept.status();
    if (!co_await pause(backoff.next())) co_return stopped();
  }
}

// A token that was renewed (R65): into the file first, then in use.
Task<Status> Supervisor::keep(std::string token) {
  const Status kept = co_await replace_token(token);
  if (!kept.ok()) {
    log_.warning("daemon.token.not_kept", {{"daemon", daemon_.id().str()}, {"error", described(kept)}});
    co_return kept;
  }
  daemon_.set_token(std::move(token));
  log_.info("daemon.token.renewed", {{"daemon", daemon_.id().str()}});
  co_return ok_status();
}

Task<Status> Supervisor::replace_token(std::string token) {
  if (not_kept_) co_return unavailable("the present token is not on the disk yet");  // keep_credentials() is at it
  CO_TRY_ASSIGN(auto present, co_await file_.read());
  if (!present) co_return not_found("there is no file ", file_.path(), " to put the new token into");
  present->token = std::move(token);
  co_return co_await file_.replace(*std::move(present));
}

// Than the one that was refused: a write of which it was not known that it had succeeded, or one that the user has made.
Task<bool> Supervisor::has_another() {
  if (not_kept_) co_return false;
  const auto kept = co_await file_.read();
  co_return kept.ok() && *kept && (*kept)->token != daemon_.token();
}

Task<Status> Supervisor::retire(Status why) {
  not_kept_.reset();
  Backoff backoff({}, random_);
  for (;;) {
    const Status moved = co_await file_.retire();
    if (moved.ok()) {
      log_.info("daemon.credentials.retired",
                {{"daemon", daemon_.id().str()}, {"reason", reason_of(why)}, {"kept_as", file_.path() + ".bak"}});
      co_return ok_status();
    }
    log_.warning("daemon.credentials.not_retired", {{"daemon", daemon_.id().str()}, {"error", described(moved)}});
    if (!passes(moved)) co_return moved;
    if (!co_await pause(backoff.next())) co_return ok_status();
  }
}

// At most one recovery in ten minutes, by the monotonic clock and by the time on disk, which an earlier incarnation may have
// written. A wall clock that was set back cannot make the wait longer than that.
Task<Result<std::optional<Credentials>>> Supervisor::wait_until_allowed() {
  Duration left = Duration::zero();
  if (const auto on_disk = co_await file_.last_recovery()) {
    const Duration ago = clock_.wall_now() - *on_disk;
    if (ago >= Duration::zero()) left = kBetweenRecoveries - ago;
  }
  if (last_recovery_) left = std::max(left, kBetweenRecoveries - (clock_.now() - *last_recovery_));
  const Instant allowed = after(clock_.now(), std::max(left, Duration::zero()));
  while (clock_.now() < allowed) {
    if (!co_await pause(std::min(kLookAgain, allowed - clock_.now()))) co_return stopped();
    auto made_by_user = co_await file_.read();
    if (made_by_user.ok() && *made_by_user) co_return made_by_user;
  }
  co_return std::optional<Credentials>();
}

void Supervisor::no_more_registering() {
  registering_ = false;
  registered_.set();
}

Task<Result<std::string>> Supervisor::enrol() {
  const bool recovers = co_await file_.has_retired();
  if (recovers) {
    CO_TRY_ASSIGN(auto made_by_user, co_await wait_until_allowed());
    if (made_by_user) co_return std::move(made_by_user->token);
  }
  Backoff backoff({}, random_);
  for (;;) {
    registering_ = true;
    auto registered =
        co_await registration_.register_daemon(daemon_.id(), daemon_.name(), after(clock_.now(), kRegistrationTime));
    if (registered.ok()) {
      log_.info("daemon.registered",
                {{"user", registered->user.str()}, {"daemon", daemon_.id().str()}, {"recovers", recovers ? 1 : 0}});
      Credentials credentials{daemon_.id(), registered->user, registered->token, std::nullopt};
      if (recovers) {
        last_recovery_ = clock_.now();
        credentials.recovered_at = clock_.wall_now();
      }
      const Status kept = co_await file_.write(credentials);
      no_more_registering();
      // It serves with what it has. Unless there is room some time, its next life has to register again.
      if (kept.ok()) {
        log_.info("daemon.credentials.kept", {{"daemon", daemon_.id().str()}});
      } else {
        log_.warning("daemon.credentials.not_kept", {{"daemon", daemon_.id().str()}, {"error", described(kept)}});
        not_kept_ = std::move(credentials);
      }
      co_return std::move(registered->token);
    }
    no_more_registering();
    const Status& why = registered.status();
    log_.warning("daemon.registration.failed", {{"daemon", daemon_.id().str()}, {"error", described(why)}});
    if (why.code() == StatusCode::kUnauthenticated && !passes(why))
      co_return unauthenticated(message_of(why), "; give a user's token in RELIANT_TOKEN, and start the daemon again");
    if (!passes(why)) co_return why;
    if (!co_await pause(backoff.next(retry_after_of(why)))) co_return stopped();
  }
}

}  // namespace reliant::daemon

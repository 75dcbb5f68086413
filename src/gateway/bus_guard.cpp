#include "gateway/bus_guard.h"

#include <optional>

#include "base/text.h"

namespace reliant::gateway {
namespace {

// Two machines' measurements of the database's time may differ by a round trip.
constexpr Duration kTolerance = std::chrono::seconds(2);

}  // namespace

Task<Status> BusGuard::check(const ports::BusMessage& message, auth::SignedKind kind, Unsigned what) {
  CO_TRY_ASSIGN(const std::optional<auth::BusSignature> signature, auth::signature_of(message));
  if (!signature) {
    if (what == Unsigned::kAccepted) co_return ok_status();
    co_return permission_denied(
        "it is not signed; clients that cannot sign are let in by --allow-unsigned-requests, and only on ",
        "the subjects of a user");
  }
  CO_TRY_ASSIGN(const store::SigningKey key, co_await keys_.find(signature->key, after(clock_.now(), kLookUpTimeout)));
  if (!auth::is_signed_by(key, message, kind, *signature)) co_return permission_denied("its signature is wrong");
  const WallTime now = clock_.wall_now();
  if (signature->expires <= now) co_return deadline_exceeded("it came after its signature had expired");
  if (signature->expires > now + auth::kSignatureLife + kTolerance)
    co_return permission_denied("its signature is to hold longer than any server's does");
  co_return ok_status();
}

Task<bool> BusGuard::admits(const ports::BusMessage& message, auth::SignedKind kind, Unsigned what) {
  const Status status = co_await check(message, kind, what);
  if (!status.ok()) refuse(message, message_of(status));
  co_return status.ok();
}

bool BusGuard::takes_first_time(const ports::BusMessage& message) {
  const auto signature = auth::signature_of(message);
  if (!signature.ok() || !*signature) return true;  // it has been admitted without one
  forget_expired();
  Nonce nonce((*signature)->key, (*signature)->nonce);
  if (nonces_.contains(nonce)) {
    refuse(message, "it came a second time");
    return false;
  }
  if (nonces_.size() >= kMaxNonces) {
    refuse(message, "too many messages came within the life of a signature");
    return false;
  }
  by_age_.emplace_back(after(clock_.now(), auth::kSignatureLife + 2 * kTolerance), nonce);
  nonces_.insert(std::move(nonce));
  return true;
}

void BusGuard::forget_expired() {
  while (!by_age_.empty() && by_age_.front().first <= clock_.now()) {
    nonces_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
}

void BusGuard::refuse(const ports::BusMessage& message, std::string_view why) {
  if (clock_.now() < next_log_) {
    ++not_logged_;
    return;
  }
  next_log_ = after(clock_.now(), kLogEvery);
  log_.warning("gateway.message.refused", {{"subject", message.subject}, {"error", why}, {"others", not_logged_}});
  not_logged_ = 0;
}

}  // namespace reliant::gateway

#include "gateway/token_renewal.h"

#include <utility>

#include "base/cause.h"

namespace reliant::gateway {

bool TokenRenewal::is_due() const {
  if (!identity_.renewal || clock_.wall_now() < identity_.renewal->from) return false;
  return !offered_ || clock_.now() - *offered_ >= identity_.renewal->every;
}

void TokenRenewal::offer() {
  offered_ = clock_.now();
  may_renew_ = true;
  proto::GatewayFrame frame;
  frame.mutable_token_due();
  stream_.send(std::move(frame));
}

Task<void> TokenRenewal::on_renew() {
  if (!std::exchange(may_renew_, false)) co_return;
  auto token = co_await records_.renew_token(identity_);
  if (!token.ok()) {  // offered again later
    log_.warning("gateway.token.not_renewed", {{"daemon", identity_.daemon.str()}, {"error", described(token.status())}});
    co_return;
  }
  log_.info("gateway.token.issued",
            {{"user", identity_.user.str()}, {"daemon", identity_.daemon.str()}, {"epoch", identity_.epoch}});
  may_use_ = true;
  proto::GatewayFrame frame;
  frame.mutable_new_token()->set_token(*std::move(token));
  stream_.send(std::move(frame));
}

// Should this fail, the daemon uses its new token with its next registration. The session stands on it before the old one is
// revoked: the gateway's look at its tokens may come in between.
Task<void> TokenRenewal::on_use(std::string token) {
  if (!std::exchange(may_use_, false)) co_return;
  auto caller = co_await records_.authenticate(std::move(token));
  if (!caller.ok() || caller->user != identity_.user || caller->daemon != identity_.daemon) {
    log_.warning("gateway.token.not_renewed",
                 {{"daemon", identity_.daemon.str()},
                  {"error", caller.ok() ? "the daemon has sent another daemon's token" : described(caller.status())}});
    co_return;
  }
  identity_.token = caller->token;
  identity_.renewal = caller->renewal;
  const Status used = co_await records_.use_token(std::move(caller->token));
  if (!used.ok()) {
    log_.warning("gateway.token.not_renewed", {{"daemon", identity_.daemon.str()}, {"error", described(used)}});
    co_return;
  }
  log_.info("gateway.token.taken_up",
            {{"user", identity_.user.str()}, {"daemon", identity_.daemon.str()}, {"epoch", identity_.epoch}});
}

}  // namespace reliant::gateway

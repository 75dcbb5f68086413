#include "auth/authenticator.h"

#include <algorithm>
#include <utility>

#include "auth/token.h"
#include "runtime/executor.h"
#include "runtime/this_context.h"

namespace reliant::auth {
namespace {

Task<Instant> record_by(Instant deadline) {
  const Context& context = co_await ThisContext{};
  co_return std::min(deadline, after(context.executor->now(), DbPatValidator::kRecordTime));
}

}  // namespace

Task<Result<Caller>> DbPatValidator::identify(std::string bearer, Instant deadline) {
  CO_TRY_ASSIGN(std::string token, parse_token(bearer));
  CO_TRY_ASSIGN(store::Token found, co_await tokens_.find(std::move(token), deadline));
  const WallTime now = tokens_.now();
  const Status valid = store::validity_of(found, now);
  Caller caller{std::move(found.user), std::move(found.id), found.kind, std::move(found.daemon)};
  caller.renewal = store::renewal_of(found);
  caller.use_is_due = !found.last_used_at || now - *found.last_used_at >= store::Tokens::kUseRecordedEvery;
  if (valid.ok()) co_return caller;
  co_await record_refusal(std::move(caller), valid, deadline);
  co_return valid;
}

Task<void> DbPatValidator::record_use(Caller caller, Instant deadline) {
  if (!caller.use_is_due || caller.token.empty()) co_return;
  const Instant by = co_await record_by(deadline);
  (void)co_await tokens_.record_use(std::move(caller.token), by);
}

Task<void> DbPatValidator::record_refusal(Caller caller, Status why, Instant deadline) {
  if (caller.token.empty()) co_return;
  const std::int64_t hour = std::chrono::floor<std::chrono::hours>(tokens_.now()).time_since_epoch().count();
  if (refusals_.size() >= kRemembered) refusals_.clear();
  if (!refusals_.emplace(caller.token, reason_of(why), hour).second) co_return;
  const Instant by = co_await record_by(deadline);
  (void)co_await tokens_.record_refusal(std::move(caller.user), std::move(caller.token), std::move(caller.daemon),
                                        reason_of(why), by);
}

Task<Result<std::map<TokenId, Status>>> DbPatValidator::ended(std::vector<TokenId> tokens, Instant deadline) {
  return tokens_.ended(std::move(tokens), deadline);
}

}  // namespace reliant::auth

#include "runtime/rate_limiter.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace reliant {

RateLimiter::RateLimiter(std::string what, std::string reason, std::int64_t per_minute, std::int64_t burst)
    : what_(std::move(what)),
      reason_(std::move(reason)),
      per_minute_(per_minute),
      interval_(Duration(std::chrono::minutes(1)) / per_minute),
      ahead_(interval_ * (burst - 1)) {
  RELIANT_ASSERT(per_minute > 0 && burst > 0, "a limit lets something pass");
}

Status RateLimiter::admit(const std::string& whose, Instant now) {
  if (Status refused = check(whose, now); !refused.ok()) return refused;
  if (due_.size() >= sweep_at_) {
    std::erase_if(due_, [&](const auto& each) { return each.second <= now; });
    sweep_at_ = std::max(kManyUsers, 2 * due_.size());  // amortises the walk over the map
  }
  Instant& due = due_.try_emplace(whose, now).first->second;
  due = std::max(due, now) + interval_;
  return ok_status();
}

Status RateLimiter::check(const std::string& whose, Instant now) const {
  const auto found = due_.find(whose);
  if (found == due_.end() || found->second - now <= ahead_) return ok_status();
  return with_retry_after(
      with_reason(resource_exhausted("you may send ", per_minute_, " ", what_, " a minute; wait a little"), reason_),
      found->second - now - ahead_);
}

}  // namespace reliant

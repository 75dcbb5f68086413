#include "api/rate_limiter.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace reliant::api {

RateLimiter::RateLimiter(std::string what, std::string reason, std::int64_t per_minute, std::int64_t burst)
    : what_(std::move(what)),
      reason_(std::move(reason)),
      per_minute_(per_minute),
      interval_(Duration(std::chrono::minutes(1)) / per_minute),
      ahead_(interval_ * (burst - 1)) {
  RELIANT_ASSERT(per_minute > 0 && burst > 0, "a limit lets something pass");
}

Status RateLimiter::admit(const UserId& user, Instant now) {
  if (due_.size() >= kManyUsers) std::erase_if(due_, [&](const auto& each) { return each.second <= now; });
  Instant& due = due_.try_emplace(user, now).first->second;
  const Instant begin = std::max(due, now);
  if (begin - now > ahead_) {
    return with_retry_after(
        with_reason(resource_exhausted("you may send ", per_minute_, " ", what_, " a minute; wait a little"), reason_),
        begin - now - ahead_);
  }
  due = begin + interval_;
  return ok_status();
}

}  // namespace reliant::api

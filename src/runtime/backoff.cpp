#include "runtime/backoff.h"

#include <algorithm>

#include "base/assert.h"

namespace reliant {
namespace {

// `wait * factor`, or `cap` if that is less; without overflow.
Duration grown(Duration wait, const BackoffPolicy& policy) {
  const BackoffPolicy::Factor& factor = policy.factor;
  if (wait.count() > policy.cap.count() / factor.numerator * factor.denominator) return policy.cap;
  if (wait.count() > Duration::max().count() / factor.numerator) return policy.cap;
  return std::min(policy.cap, Duration(wait.count() * factor.numerator / factor.denominator));
}

}  // namespace

Backoff::Backoff(BackoffPolicy policy, Random& random)
    : policy_(policy), random_(&random), ceiling_(std::min(policy.base, policy.cap)) {
  RELIANT_ASSERT(policy.base >= Duration::zero() && policy.cap >= Duration::zero(), "waits are not negative");
  RELIANT_ASSERT(policy.factor.denominator > 0 && policy.factor.numerator >= policy.factor.denominator,
                 "a backoff does not shrink");
}

Duration Backoff::next(Duration at_least) {
  const bool full = policy_.jitter == Jitter::kFull;
  const Duration least = full ? Duration::zero() : ceiling_ / 10 * 8;
  const Duration most = full ? ceiling_ : ceiling_ / 10 * 12;
  const Duration wait = random_->duration(least, most);
  ceiling_ = grown(ceiling_, policy_);
  ++attempts_;
  return std::max(wait, at_least);
}

void Backoff::reset() noexcept {
  ceiling_ = std::min(policy_.base, policy_.cap);
  attempts_ = 0;
}

void Backoff::was_up_for(Duration uptime) noexcept {
  if (uptime >= policy_.stable) reset();
}

}  // namespace reliant

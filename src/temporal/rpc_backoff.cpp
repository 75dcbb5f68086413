#include "temporal/rpc_backoff.h"

#include <algorithm>
#include <utility>

namespace reliant::temporal {
namespace {

constexpr Duration kExhaustedFirst = std::chrono::seconds(1);
constexpr Duration kExhaustedCap = std::chrono::seconds(10);

}  // namespace

void RpcBackoff::reset() {
  wait_ = policy_.base;
  exhausted_wait_ = kExhaustedFirst;
}

Duration RpcBackoff::next(StatusCode answer) {
  const Duration usual = jittered(wait_);
  wait_ = std::min(policy_.cap, wait_ * policy_.factor.numerator / policy_.factor.denominator);
  if (answer != StatusCode::kResourceExhausted) return usual;
  const Duration slow = jittered(exhausted_wait_);
  exhausted_wait_ = std::min(kExhaustedCap, exhausted_wait_ * 2);
  return std::max(usual, slow);
}

Duration RpcBackoff::jittered(Duration wait) { return random_.duration(wait * 8 / 10, wait * 12 / 10); }

}  // namespace reliant::temporal

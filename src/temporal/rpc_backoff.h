// RpcBackoff: how long to wait before a server of Temporal is asked again. As the SDKs do it, so that a cluster that is busy
// or comes back sees nothing new: after RESOURCE_EXHAUSTED a wait is at least one that grows by itself.
//
// `Random` is borrowed and must outlive it. No errors; nothing waits here.
#pragma once

#include "base/status.h"
#include "runtime/backoff.h"
#include "runtime/random.h"
#include "runtime/time.h"

namespace reliant::temporal {

inline constexpr BackoffPolicy kCallWaits = {
    .base = std::chrono::milliseconds(100), .cap = std::chrono::seconds(5), .factor = {17, 10}, .jitter = Jitter::kFifth};
inline constexpr BackoffPolicy kPollWaits = {
    .base = std::chrono::milliseconds(200), .cap = std::chrono::seconds(10), .jitter = Jitter::kFifth};
inline constexpr BackoffPolicy kExhaustedWaits = {.cap = std::chrono::seconds(10), .jitter = Jitter::kFifth};

class RpcBackoff {
 public:
  RpcBackoff(const BackoffPolicy& policy, Random& random) : usual_(policy, random), exhausted_(kExhaustedWaits, random) {}

  // `answer`: how the call before ended.
  Duration next(StatusCode answer) {
    return usual_.next(answer == StatusCode::kResourceExhausted ? exhausted_.next() : Duration::zero());
  }
  void reset() {
    usual_.reset();
    exhausted_.reset();
  }

 private:
  Backoff usual_;
  Backoff exhausted_;
};

}  // namespace reliant::temporal

// RpcBackoff: how long to wait before a server of Temporal is asked again. As the SDKs do it, so that a
// cluster that is busy or comes back sees nothing new: the wait grows by a factor up to a cap, and each is
// within 20 % of that; after RESOURCE_EXHAUSTED it is at least one that grows by itself, from 1 s, times 2, to
// 10 s. (runtime/backoff.h draws from zero on: for connections, of which thousands may have failed at once.)
//
// `Random` is borrowed and must outlive it. No errors; nothing waits here.
#pragma once

#include "base/status.h"
#include "runtime/backoff.h"
#include "runtime/random.h"
#include "runtime/time.h"

namespace reliant::temporal {

// `stable` plays no part.
inline constexpr BackoffPolicy kCallWaits = {
    .base = std::chrono::milliseconds(100), .cap = std::chrono::seconds(5), .factor = {17, 10}};
inline constexpr BackoffPolicy kPollWaits = {.base = std::chrono::milliseconds(200),
                                             .cap = std::chrono::seconds(10)};

class RpcBackoff {
 public:
  RpcBackoff(const BackoffPolicy& policy, Random& random) : policy_(policy), random_(random) { reset(); }

  // `answer`: how the call before ended.
  Duration next(StatusCode answer);
  void reset();

 private:
  Duration jittered(Duration wait);

  const BackoffPolicy policy_;
  Random& random_;
  Duration wait_{};
  Duration exhausted_wait_{};
};

}  // namespace reliant::temporal

// Backoff: how long to wait before trying again. The ceiling starts at `base` and grows by `factor` up to `cap`; the jitter is
// drawn after the cap, so that many clients that failed together do not come back together.
//
// The caller resets it: `reset` at once, or `was_up_for` when a connection ended, which resets only after it
// was stable. `Random` is borrowed and must outlive it. No errors; nothing waits here (`co_await
// sleep_for(b.next())`).
#pragma once

#include <cstdint>

#include "runtime/random.h"
#include "runtime/time.h"

namespace reliant {

enum class Jitter : std::uint8_t {
  kFull,   // uniform in [0, ceiling]: for connections, of which thousands may have failed at once
  kFifth,  // within 20 % of the ceiling, which such a wait may exceed: as the SDKs of Temporal do it
};

struct BackoffPolicy {
  struct Factor {
    std::int64_t numerator = 2;
    std::int64_t denominator = 1;
  };

  Duration base = std::chrono::seconds(1);
  Duration cap = std::chrono::seconds(30);
  Factor factor = {};
  Duration stable = std::chrono::seconds(60);
  Jitter jitter = Jitter::kFull;
};

class Backoff {
 public:
  Backoff(BackoffPolicy policy, Random& random);

  // The wait before the next attempt, never less than `at_least` (a server's retry-after). Raises the
  // ceiling.
  Duration next(Duration at_least = Duration::zero());
  void reset() noexcept;
  // The last success lasted `uptime`: the next failure starts from the lowest delay if that was long enough to count as
  // stable.
  void was_up_for(Duration uptime) noexcept;

  // Of the next wait, before jitter.
  Duration ceiling() const noexcept { return ceiling_; }
  std::uint32_t attempts() const noexcept { return attempts_; }  // since the last reset

 private:
  BackoffPolicy policy_;
  Random* random_;
  Duration ceiling_;
  std::uint32_t attempts_ = 0;
};

}  // namespace reliant

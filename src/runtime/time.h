// Time as the whole system knows it: whole nanoseconds, never a bare integer.
//
// `Instant` is a point on the executor's own clock, which starts at zero and never goes back: deadlines,
// timeouts and intervals are computed in it. `WallTime` is what a calendar shows: for records and people
// only, since it may jump. Neither can be read from here: code is given an `Executor` or a `Clock` to ask.
#pragma once

#include <chrono>

namespace reliant {

using Duration = std::chrono::nanoseconds;

// The tag of `Instant`. It has no now(): see `Executor::now` and `Clock::now`.
struct MonotonicClock {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<MonotonicClock, Duration>;
  static constexpr bool is_steady = true;
};

using Instant = std::chrono::time_point<MonotonicClock, Duration>;
using WallTime = std::chrono::sys_time<Duration>;

// The deadline of an operation that may take for ever; no timer is set for it.
inline constexpr Instant kNever = Instant::max();

// `from + delay`, where a sum that does not fit is `kNever` instead of an overflow.
constexpr Instant after(Instant from, Duration delay) {
  const bool overflows = delay > Duration::zero() && from.time_since_epoch() > Duration::max() - delay;
  return overflows ? kNever : from + delay;
}

}  // namespace reliant

// Clock: a port for the time, for code that has no executor at hand, and for the calendar.
//
// `now` is the time of the executor that the caller runs on: it stands still within a step and never goes
// back. `wall_now` may jump in either direction (people set clocks, nodes disagree): only for records, tokens
// and people, never for an interval or a deadline. Owned by the composition root; called on the logic thread;
// cannot fail.
#pragma once

#include "runtime/time.h"

namespace reliant {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall_now() const = 0;
};

}  // namespace reliant

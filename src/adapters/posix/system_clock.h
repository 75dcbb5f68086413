// SystemClock: the Clock of production: the executor's own time, and the machine's calendar.
// Owner: the composition root. Called on the logic thread; cannot fail.
#pragma once

#include "runtime/clock.h"
#include "runtime/executor.h"

namespace reliant::adapters {

class SystemClock final : public Clock {
 public:
  explicit SystemClock(const Executor& executor) : executor_(executor) {}
  Instant now() const override { return executor_.now(); }
  WallTime wall_now() const override;

 private:
  const Executor& executor_;
};

}  // namespace reliant::adapters

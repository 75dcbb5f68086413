// SimClock: the clock of one simulated node. Its monotonic time is the executor's, as the node sees it (NodeTimes); its wall
// clock starts at 2026-01-01 UTC and may be set to a wrong time: nothing may depend on it.
//
// Owned by the node and survives its crashes. One thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "runtime/clock.h"
#include "runtime/executor.h"

namespace reliant::sim {

// What the calendar shows when a simulation starts.
inline constexpr WallTime kWallStart = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

class SimClock final : public Clock {
 public:
  explicit SimClock(const Executor& executor, std::uint32_t node = 0) : executor_(&executor), node_(node) {}

  Instant now() const override { return executor_->now_at(node_); }
  WallTime wall_now() const override { return kWallStart + executor_->true_now().time_since_epoch() + wall_offset_; }

  // How far this node's wall clock is ahead of the truth (negative: behind).
  Duration wall_offset() const { return wall_offset_; }
  void set_wall_offset(Duration offset) { wall_offset_ = offset; }

 private:
  const Executor* executor_;
  std::uint32_t node_;
  Duration wall_offset_{};
};

}  // namespace reliant::sim

// NatsBusPace: whether the next answer is worth looking out for (AsioExecutor::look_out_for), by how long those before it
// took.
//
// Worth it is what comes so soon that to be woken for it would take a good part of the time. A shell that runs for minutes, a
// server in another town: nobody looks out for those. Who looks out in vain has kept a processor from others for kSoon, and
// where they are in another control group sched_yield does not help them: so that happens once in kInARow questions at most.
// Owner: whoever asks. It cannot fail.
#pragma once

#include <algorithm>

#include "runtime/time.h"

namespace reliant::adapters {

class NatsBusPace {
 public:
  static constexpr Duration kSoon = std::chrono::microseconds(500);
  static constexpr int kInARow = 8;

  void asked(Instant now) { asked_ = now; }
  void answered(Instant now) { soon_in_a_row_ = now - asked_ <= kSoon ? std::min(soon_in_a_row_ + 1, kInARow) : 0; }
  bool comes_soon() const { return soon_in_a_row_ == kInARow; }

 private:
  Instant asked_{};
  int soon_in_a_row_ = 0;
};

}  // namespace reliant::adapters

// Calm: the intervals without a fault at work. Some bounds hold only then.
#pragma once

#include <string_view>
#include <vector>

#include "kernel/trace.h"

namespace reliant::sim {

class Calm {
 public:
  // The effects of a fault that outlast it: connections that are re-established, attempts that time out.
  static constexpr Duration kAftermath = std::chrono::seconds(60);

  void on_record(const TraceRecord& record);
  // No fault was at work at `time`, nor within kAftermath before.
  bool between(Instant from, Instant to) const;
  // The end of all faults that began before `now`, plus kAftermath; it may be later than `now`.
  Instant since(Instant now) const;

 private:
  struct Fault {
    Instant from;
    Instant to;
  };
  std::vector<Fault> faults_;
};

}  // namespace reliant::sim

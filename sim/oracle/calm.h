// Calm: when nothing was broken. Some things must be quick only then.
#pragma once

#include <string_view>
#include <vector>

#include "kernel/trace.h"

namespace reliant::sim {

class Calm {
 public:
  // What a fault leaves behind for a while after it has ended: connections that are made anew, attempts that time out.
  static constexpr Duration kAftermath = std::chrono::seconds(60);

  void on_record(const TraceRecord& record);
  // No fault was at work then, nor within kAftermath before.
  bool between(Instant from, Instant to) const;
  // When what has been at work before `now` is over, and kAftermath with it; that may be later than `now`.
  Instant since(Instant now) const;

 private:
  struct Fault {
    Instant from;
    Instant to;
  };
  std::vector<Fault> faults_;
};

}  // namespace reliant::sim

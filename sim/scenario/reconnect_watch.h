// ReconnectWatch: the daemons connect in time at the start, and reconnect after the first crash of a gateway: in time, and
// spread out (C43).
//
// Owner: the run; a sink of its trace.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "kernel/trace.h"
#include "oracle/verdict.h"
#include "scenario/scenario.h"

namespace reliant::sim {

class ReconnectWatch final : public TraceSink {
 public:
  void on_record(const TraceRecord& record) override;
  void judge(const ReconnectExpectation& expected, Verdict& verdict) const;

 private:
  void judge_storm(const ReconnectExpectation& expected, Verdict& verdict) const;

  std::set<std::uint32_t> came_;  // the daemons' nodes
  Instant last_came_{};           // the last first stream
  std::optional<Instant> crash_;
  std::map<std::uint32_t, Instant> lost_;  // lost streams, by the daemon's node; erased when it has another
  std::vector<Duration> back_;             // after the crash
};

}  // namespace reliant::sim

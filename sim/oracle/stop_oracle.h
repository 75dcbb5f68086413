// StopOracle: who is asked to end in order uses the time it is given (C43).
//   in_order   a daemon does not end while a tool runs, unless its grace is over
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "oracle/oracle.h"

namespace reliant::sim {

class StopOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState&) override {}

 private:
  void on_exit(const TraceRecord& record);

  std::map<std::string, std::uint32_t> nodes_;
  std::map<std::uint32_t, Instant> until_;               // the grace of who was asked to stop
  std::map<std::uint32_t, std::set<std::string>> running_;  // requests, by the daemon's node
};

}  // namespace reliant::sim

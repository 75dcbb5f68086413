// StopOracle: a process that is asked to stop uses its grace time (C43).
//   in_order   a daemon does not end while a tool runs, or while a new token is being written to the disk, unless its grace
//              time is over
//   sent_on    a gateway does not keep all its daemons to the end while another gateway is up the whole time
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
  // A gateway that was asked to stop.
  struct Draining {
    std::size_t daemons = 0;         // that it held then
    std::set<std::uint32_t> others;  // gateways that were up then, and still are
    bool sent_on = false;
  };

  void on_stop(const TraceRecord& record);
  void on_gateway(const TraceRecord& record);
  void on_exit(const TraceRecord& record);
  void on_drained(std::uint32_t gateway);
  void lose_gateway(std::uint32_t node);

  std::map<std::string, std::uint32_t> nodes_;
  std::map<std::uint32_t, Instant> gateways_;            // that are up and not asked to stop, and since when
  std::map<std::uint32_t, std::set<std::string>> held_;  // daemons, by the gateway's node
  std::map<std::uint32_t, Draining> draining_;
  bool only_ends_ = true;  // no fault but processes that end has happened
  struct Stop {
    Instant asked;
    Instant until;  // its grace
  };
  std::map<std::uint32_t, Stop> until_;                     // by node that was asked to stop
  std::map<std::uint32_t, std::set<std::string>> running_;  // requests, by the daemon's node
  std::set<std::uint32_t> registering_;                     // daemons' nodes, until the disk has answered
};

}  // namespace reliant::sim

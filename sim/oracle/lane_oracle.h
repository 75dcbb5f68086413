// LaneOracle: one member of a queue group receives each message (R48, R61, C3): no more of them reach the gateways, by subject,
// than were published. Messages to every gateway (tools.request.sync.{user}, daemon.command.{user}, tools.online.{user}) are
// not counted.
// And the caller of a daemon that no gateway holds knows so at once (C4), while nothing but daemons is broken.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "oracle/calm.h"
#include "oracle/oracle.h"

namespace reliant::sim {

class LaneOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  bool looks_at_deliveries() const override { return true; }
  void on_record(const TraceRecord& record) override;
  void on_delivery(const Delivery& delivery) override;
  void finish(const FinalState&) override {}

 private:
  // us; on the lane of all gateways the caller waits 3 s for an answer; it looks in the store for the result, 5 s at most.
  static constexpr std::int64_t kAtOnce = 9'000'000;
  void judge_offline(const TraceRecord& record);

  Calm calm_;                                              // but for daemons
  std::set<std::string, std::less<>> daemons_;             // names of nodes
  std::uint32_t bus_ = 0;                                  // the node
  std::map<std::string, std::int64_t, std::less<>> owed_;  // published and not yet delivered, by subject
};

}  // namespace reliant::sim

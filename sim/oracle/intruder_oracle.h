// IntruderOracle: the messages of a hostile client of the bus have no effect. A request that no server has made never reaches a
// daemon, and a replayed one does not reach it a second time: read-only tools leave no row that would prevent it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "oracle/oracle.h"

namespace reliant::sim {

class IntruderOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  bool looks_at_deliveries() const override { return true; }
  void on_record(const TraceRecord& record) override;
  void on_delivery(const Delivery& delivery) override;
  void finish(const FinalState&) override {}

 private:
  void judge_read(const TraceRecord& record);

  std::set<std::uint32_t> intruders_;  // nodes; empty: there is nothing to judge
  std::set<std::uint32_t> askers_;     // nodes whose requests are legitimate
  std::uint32_t bus_ = 0;
  std::set<std::string, std::less<>> forged_;
  std::map<std::string, std::int64_t, std::less<>> asked_;  // of each request: how often a server has published it
  std::map<std::string, std::int64_t, std::less<>> read_;   // and how often it was sent to a daemon
};

}  // namespace reliant::sim

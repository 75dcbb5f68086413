// LaneOracle: of a message that is for one member of a queue group, one member gets it (R48, R61, C3): to the gateways there go no
// more of them, by subject, than were published. Those that every gateway hears (tools.request.sync.{user}, daemon.command.{user},
// tools.online.{user}) are not counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>

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
  std::uint32_t bus_ = 0;                                   // the node
  std::map<std::string, std::int64_t, std::less<>> owed_;   // published and not yet delivered, by subject
};

}  // namespace reliant::sim

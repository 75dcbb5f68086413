// AdmissionOracle: a gateway registers so many daemons at a time, and no more, however many come: each of them is done soon,
// and the database has time for others (R46).
#pragma once

#include <cstdint>
#include <map>

#include "oracle/oracle.h"

namespace reliant::sim {

class AdmissionOracle final : public Oracle {
 public:
  static constexpr std::int64_t kAtOnce = 64;  // gateway::GatewayOptions::max_registrations

  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState&) override {}

 private:
  std::map<std::uint32_t, std::int64_t> registering_;  // by the gateway's node
};

}  // namespace reliant::sim

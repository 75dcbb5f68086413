// AdmissionOracle: a gateway's concurrent work is bounded, whatever the load.
//
//   admission.bounded   concurrent registrations: each ends soon, and the database has time for other work (R46)
//   admission.results   bytes of one user's results that wait for the store: a user's daemons cannot fill a shared server
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "oracle/oracle.h"

namespace reliant::sim {

class AdmissionOracle final : public Oracle {
 public:
  static constexpr std::int64_t kAtOnce = 64;              // gateway::GatewayOptions::max_registrations
  static constexpr std::int64_t kResultsOfUser = 4 << 20;  // gateway::UserBudgets::results

  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState&) override {}

 private:
  using Stream = std::pair<std::string, std::int64_t>;  // daemon, epoch
  using Place = std::pair<std::uint32_t, std::string>;  // the gateway's node, and the user

  static Place place_of(const TraceRecord& record);
  static Stream key_of(const TraceRecord& record);
  void begun(const TraceRecord& record);
  void ended(const TraceRecord& record);

  std::map<std::uint32_t, std::int64_t> registering_;  // by the gateway's node
  std::map<Place, std::map<Stream, std::int64_t>> results_;
  std::set<std::pair<Place, Stream>> closed_;
};

}  // namespace reliant::sim

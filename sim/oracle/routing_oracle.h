// RoutingOracle: the default daemon is the right one (R92 to R95, C1).
//   default   while the system is undisturbed, no daemon is taken by default that is a cloud one while a local one of the
//             user is connected, or that has not been heard of
//   offline   likewise, nobody who asks a daemon is told that it is offline while it is connected
// What is connected it knows from the gateways' sessions; what kind a daemon is, from the daemon itself. After a fault it
// looks away until everybody can know what became of it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "oracle/oracle.h"

namespace reliant::sim {

class RoutingOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState&) override {}

 private:
  using Key = std::pair<std::string, std::string>;  // user, daemon
  struct Standing {
    std::map<std::int64_t, Instant> open;  // sessions by epoch, since when
    Instant known_until{};                 // who has read of a session that has ended since, or whose successor is just opening
    bool stale = false;
  };

  void judge(const TraceRecord& record);
  void judge_offline(const TraceRecord& record);
  bool usable(const Key& key, Instant now) const;

  std::map<Key, Standing> daemons_;
  std::set<Key> cloud_;
  Instant quiet_from_{};
};

}  // namespace reliant::sim

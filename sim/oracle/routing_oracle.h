// RoutingOracle: the default daemon is the right one (R92 to R95, C1).
//   default   while the system is undisturbed, the default is never a cloud daemon while a local daemon of the user is
//             connected, and never a daemon that is not connected
//   offline   likewise, no caller of a daemon receives "offline" while the daemon is connected
// It knows from the gateways' sessions which daemons are connected, and from the daemon itself of what kind it is. After a
// fault it does not judge until every process can know the fault's effects.
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
    Instant
        known_until{};  // until then, a reader may have seen a session that has ended since, or whose successor is just opening
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

// StatusOracle: the public status of a daemon is the truth (R79 to R82, C1, C16, C17).
//   converged   150 s after everything was healed, the store says "connected" of exactly those daemons that have a stream,
//               and names the stream's epoch and gateway
//   boundary    a gateway calls a daemon stale when it has heard nothing of it for 30 s: not a nanosecond earlier, nor later
//
// The truth is what the daemons say of their streams ("daemon.connected", "daemon.disconnected") and which processes live.
// Boundaries are judged where a gateway's own clock is the world's: not after it was paused or had its clock changed.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "oracle/oracle.h"

namespace reliant::sim {

class StatusOracle final : public Oracle {
 public:
  // After healing: 120 s until silence ends a stream, and a beat.
  static constexpr Duration kPatience = std::chrono::seconds(150);

  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  bool looks_at_deliveries() const override { return true; }
  void on_delivery(const Delivery& delivery) override;
  void finish(const FinalState& state) override;

 private:
  struct Stream {
    std::uint32_t node = 0;  // of the daemon
    std::string gateway;
  };
  struct Heard {
    std::uint32_t gateway = 0;
    std::uint64_t connection = 0;
    Instant last{};
    std::uint64_t greeted = 0;  // the connection on which it was told an epoch last
  };
  void learn_connection(const Delivery& delivery, Heard& daemon);
  void on_fault(const TraceRecord& record);
  void on_status(const TraceRecord& record);
  void judge(const DaemonKey& daemon, const FinalDaemon& stored);

  std::map<DaemonKey, std::map<std::int64_t, Stream>> streams_;       // open ones, by epoch
  std::map<std::uint32_t, DaemonKey> daemons_;                        // by node
  std::map<DaemonKey, int> places_;                                   // how many nodes call themselves so
  std::map<std::string, std::uint32_t, std::less<>> nodes_;           // by name
  std::set<std::uint32_t> irregular_;                                 // whose clock is not always the world's
  std::map<std::pair<DaemonKey, std::int64_t>, Instant> opened_;      // by epoch
  std::map<std::pair<DaemonKey, std::int64_t>, std::uint64_t> connections_;  // likewise; once the daemon was greeted
  std::vector<Heard> heard_;                                          // the last message of each node, over a link
};

}  // namespace reliant::sim

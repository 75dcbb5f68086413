// StatusOracle: the public status of a daemon is the truth (R79 to R82, C1, C16, C17).
//   converged   150 s after everything was healed, exactly the daemons with a stream are "connected" in the store, with the
//               stream's epoch and gateway; and a daemon that has had a stream and still runs has one
//   boundary    a gateway marks a daemon stale after 30 s without a message from it: not a nanosecond earlier or later, and
//               each time; and it ends the stream at 120 s, as the daemon does after 120 s without a message of the gateway
//   beat        on an open stream a daemon sends a message every 15 s, and a gateway every 30 s
//
// The truth is the daemons' own records of their streams ("daemon.connected", "daemon.disconnected") and which processes run.
// Boundaries and beats are judged only where the node's clock is the world's: not after a pause or a change of its clock;
// and only where messages are visible: not in a run of real processes.
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
  static constexpr Duration kConvergenceTimeout = std::chrono::seconds(150);

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
  struct Heard {  // of a daemon's node
    bool daemon = false;
    std::uint32_t gateway = 0;
    std::uint64_t connection = 0;  // of its last message
    Instant last{};                // when that arrived
    Instant sent{};
    std::uint64_t greeted = 0;  // the connection on which it last received an epoch
    Instant greeted_at{};
    Instant told{};  // when it last received something there
    Instant told_sent{};
    Instant called_stale{};
  };
  bool is_daemon(std::uint32_t node) const { return node < heard_.size() && heard_[node].daemon; }
  void hear(const Delivery& delivery, Heard& daemon);
  void tell(const Delivery& delivery, Heard& daemon);
  void judge_silence(const Delivery& delivery, const Heard& daemon);
  void judge_beat(const Delivery& delivery, Instant before, Duration interval);
  void note_stale(const DaemonKey& daemon, std::int64_t epoch, Instant when);
  void on_given_up(const TraceRecord& record);
  void learn_connection(const Delivery& delivery, Heard& daemon);
  void on_fault(const TraceRecord& record);
  void on_status(const TraceRecord& record);
  void judge(const DaemonKey& daemon, const FinalDaemon& stored);

  std::map<DaemonKey, std::map<std::int64_t, Stream>> streams_;              // open ones, by epoch
  std::map<DaemonKey, std::set<std::uint32_t>> running_;                     // nodes that have had a stream and not died since
  std::map<std::uint32_t, DaemonKey> daemons_;                               // by node
  std::map<DaemonKey, int> places_;                                          // how many nodes call themselves so
  std::map<std::string, std::uint32_t, std::less<>> nodes_;                  // by name
  std::set<std::uint32_t> irregular_;                                        // whose clock is not always the world's
  std::map<std::pair<DaemonKey, std::int64_t>, Instant> opened_;             // by epoch
  std::map<std::pair<DaemonKey, std::int64_t>, std::uint64_t> connections_;  // likewise; once the daemon was greeted
  std::set<std::uint32_t> slow_;                                             // whose disk was not always quick
  std::vector<Heard> heard_;                                                 // by node: the last messages over its link
  bool sees_messages_ = false;
};

}  // namespace reliant::sim

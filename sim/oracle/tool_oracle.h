// ToolOracle: a tool runs at most once, and its reported outcome is true (C6, C7).
//   at_most_once   a request of a non-idempotent tool is begun once, by one daemon, and its machine shows each effect once
//   honest         "executed": the machine shows that it ran. "not_executed": the machine shows no effect. "unknown": no
//                  process could know better. A daemon reports it only if it has died since the request came; and the model
//                  does not receive it if the store had the result before
//   cancelled      while nothing is broken, 20 s after a turn was cancelled none of its tools runs any more (R48, C9); and
//                  whatever was broken then, none still runs long after everything was healed. A request that had not been
//                  sent to a daemon by then is never begun, if only daemons were broken
//   left_behind    the processes of a killed daemon have no more effects once its next incarnation is connected: the model
//                  receives "unknown" then, or the tool is run again
//   recorded       a tool that does more than read is sent to a daemon only with a row in the store; a read-only tool never
//                  has one
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "oracle/calm.h"
#include "oracle/oracle.h"

namespace reliant::sim {

class ToolOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState& state) override;

 private:
  struct Seen {
    std::int64_t begun = 0;
    std::int64_t ended = 0;
    std::string daemon;
    std::string tool;
    bool repeatable = false;
    std::string told;  // the outcome that the model received
    Moment told_at;    // last
    std::string chat;
    std::uint32_t node = 0;  // where it runs
    Instant begin = kNever;
    Instant end = kNever;
    Instant died = kNever;  // its daemon, before it had ended
    std::string kept;       // the outcome that the daemon gave, as the store keeps it
    Instant kept_at = kNever;
    std::int64_t effects = 0;  // on all machines
  };
  static constexpr Duration kEnded = std::chrono::seconds(20);
  struct Cancelled {
    std::string chat;
    Instant when;
  };
  void judge_cancelled(const Cancelled& turn);
  void on_kept(const TraceRecord& record);
  void on_told(const TraceRecord& record);
  void judge(const std::string& request, const Seen& seen, const FinalState& state);
  void judge_left_behind(const Seen& seen, const MachineEffect& effect);

  std::map<std::string, Seen> requests_;
  void judge_sent_late(const Cancelled& turn);
  struct Asked {
    std::string chat;
    Instant chosen = kNever;  // its daemon was
    Instant sent = kNever;    // something of it, to a daemon; first
    Instant begun = kNever;   // there; first
    bool unrecorded = false;  // sent as a read-only request
  };

  std::map<std::string, Asked> asked_;               // by request
  std::set<std::string, std::less<>> daemon_names_;  // of nodes
  Calm servers_calm_;                                // ignores faults of daemons
  Calm calm_;
  Instant last_{};  // record
  std::vector<Cancelled> cancelled_;
  std::map<std::uint32_t, DaemonKey> nodes_;                 // of daemons
  std::map<DaemonKey, Instant> died_;                        // last
  std::map<std::uint32_t, std::vector<Instant>> connected_;  // by node, each time
  std::map<std::string, Instant> routed_;                    // first, by request
};

}  // namespace reliant::sim

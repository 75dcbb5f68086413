// StreamOracle: every client sees every update of its chat once and in order, equal to the store's (R24, R40, R58).
//   gap       1, 2, 3 … without a gap and without a repetition, through every reconnect
//   equal     each update that was seen equals the store's
//   stored    the store's own sequence has no gap and ends where the chat says
//   prompt    while nothing is broken, a client receives the end of a turn by the notice, not by polling (R58)
//   complete  at the end the client has seen all of it
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "oracle/calm.h"
#include "oracle/oracle.h"

namespace reliant::sim {

class StreamOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState& state) override;

 private:
  static constexpr Duration kPrompt = std::chrono::milliseconds(4500);  // the API polls every 5 s
  struct Seen {
    std::string user;
    std::set<std::string> asked;        // messages
    std::set<std::string> turns;        // that have ended; an end whose answer was lost is written again
    Instant turn_ended = kNever;        // the last one, if the client has not received it yet
    Instant last_status{};              // when it last received a status
    Instant stream_opened = kNever;     // when it began to listen; kNever: it does not
    std::vector<std::int64_t> digests;  // of the updates 1, 2, 3 …
  };
  void compare(const FinalChat& chat);
  void on_update(const TraceRecord& record);
  void on_turn_ended(const TraceRecord& record);

  Calm calm_;
  std::map<std::string, Seen> chats_;
};

}  // namespace reliant::sim

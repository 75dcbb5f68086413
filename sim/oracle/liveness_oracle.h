// LivenessOracle: every accepted message is answered (R19, C8).
//   answered     after every accepted message there is an answer, an error or a cancellation, and the chat is at rest
//   failed       no turn fails, except when the simulated provider answers with an error page: every other failure is
//                tolerated, or returned to the model
//   kept         every accepted message is in the store, with the sequence number that the client received
//   once         a message that a client sent several times is in the store once, and so is the result of a tool call, and the
//                answer that ends a turn
//   paired       in a chat at rest every tool call has its result: a model refuses a conversation in which one is missing
//   told         while nothing is broken, the model receives a result within 30 s after the store, or for a read-only tool
//                the gateway, has it, even if the answer to the waiting worker is lost (C5)
//   readable     stored texts are UTF-8: neither a message nor an update holds other bytes
//   recovered    the reconciler restarts a chat only if the engine has lost its run, and an engine loses one only by a
//                restored database or a termination by hand
//   defect       no record of level error: those are defects of reliant
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "oracle/calm.h"
#include "oracle/oracle.h"

namespace reliant::sim {

class LivenessOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState& state) override;

 private:
  struct Accepted {
    std::string user;
    std::string chat;
    std::string message;
    std::uint64_t sequence = 0;
  };
  void judge(const Accepted& accepted, const FinalState& state);

  void judge_chat(const FinalChat& chat);
  void judge_calls(const FinalChat& chat);
  void judge_text(const FinalChat& chat);

  void judge_told(const TraceRecord& record);
  void judge_failed(const TraceRecord& record);

  static constexpr Duration kTold = std::chrono::seconds(30);
  // For a run that the engine has lost: the reconciler checks chats that are a minute old, every half minute.
  static constexpr Duration kToldByAnotherRun = std::chrono::minutes(3);
  Calm calm_;
  bool run_lost_ = false;
  std::map<std::string, std::size_t> error_pages_;  // by chat; error pages that have not failed a turn yet
  std::set<std::string> failed_turns_;              // turns
  std::map<std::string, Instant> kept_;             // requests whose result the servers have, and since when
  std::vector<Accepted> accepted_;
  std::map<std::string, std::size_t> accepted_of_;  // chats
  std::set<std::string> done_;                      // chats whose clients have nothing more to send
};

}  // namespace reliant::sim

// LivenessOracle: what was accepted comes to an end (R19, C8).
//   answered     after every accepted message there is an answer, an error or a cancellation, and the chat is at rest
//   failed       no turn fails: the simulated model does only when its provider answers with an error page, and whatever else goes wrong is borne, or told to the model
//   kept         every accepted message is in the store, under the sequence number that the client was given
//   once         a message that a client sent several times is in the store once, and so is the result of a tool call, and the
//                answer that ends a turn
//   paired       in a chat at rest every tool call has its result: a model refuses a conversation in which one is missing
//   told         while nothing is broken, the model is told of a result within 30 s after the store has had it, or, of a tool
//                that only reads, the gateway, whatever became of the answer to the worker that waits (C5)
//   readable     what is stored to be shown is text: neither a message nor an update holds bytes that are not UTF-8
//   recovered    the reconciler begins a chat again only if the engine has lost its run, and nothing but a restored database
//                and somebody who terminates it by hand make an engine lose one
//   defect       no record of level error: those are our own defects
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
  // Of a run that the engine has lost: the reconciler looks at chats that are a minute old, every half minute.
  static constexpr Duration kToldByAnotherRun = std::chrono::minutes(3);
  Calm calm_;
  bool run_lost_ = false;
  std::map<std::string, std::size_t> error_pages_;  // chats; that no failed turn is due to yet
  std::set<std::string> failed_turns_;              // turns
  std::map<std::string, Instant> kept_;             // requests whose result the servers have, since when
  std::vector<Accepted> accepted_;
  std::map<std::string, std::size_t> accepted_of_;  // chats
  std::set<std::string> done_;                      // chats whose clients have nothing more to send
};

}  // namespace reliant::sim

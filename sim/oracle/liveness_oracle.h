// LivenessOracle: what was accepted comes to an end (R19, C8).
//   answered     after every accepted message there is an answer, an error or a cancellation, and the chat is at rest
//   kept         every accepted message is in the store, under the sequence number that the client was given
//   once         a message that a client sent several times is in the store once
//   defect       no record of level error: those are our own defects
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

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

  std::vector<Accepted> accepted_;
  std::map<std::string, std::size_t> accepted_of_;  // chats
  std::set<std::string> done_;                      // chats whose clients have nothing more to send
};

}  // namespace reliant::sim

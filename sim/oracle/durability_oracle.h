// DurabilityOracle: everything that was acknowledged is in the stores at the end.
//   durable.chat      a chat or a project whose creation its user's client has seen
//   durable.result    a result was written before its acknowledgement reached the daemon, which may forget it then; its
//                     outcome in the store is the one that was written
//   durable.told      the result of a tool call that the model received is in the chat, and agrees with the request's row
// The oracles of liveness and of streams judge messages and updates.
#pragma once

#include <map>
#include <string>

#include "oracle/oracle.h"

namespace reliant::sim {

class DurabilityOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState& state) override;

 private:
  struct Told {
    std::string user;
    std::string chat;
    std::string call;
    std::string outcome;
  };
  void judge_result(const std::string& request, const FinalState& state);
  void judge_told(const std::string& request, const Told& told, const FinalState& state);

  std::map<std::string, std::string> chats_;     // -> user
  std::map<std::string, std::string> projects_;  // -> user
  std::map<std::string, std::string> kept_;      // request -> outcome, as the store has confirmed it to the gateway
  std::map<std::string, bool> acknowledged_;     // requests whose daemon has the acknowledgement
  std::map<std::string, Told> told_;             // by request
};

}  // namespace reliant::sim

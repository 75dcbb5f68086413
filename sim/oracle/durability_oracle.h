// DurabilityOracle: what somebody was told is kept, is in the stores in the end.
//   durable.chat      a chat or a project that its user was told of
//   durable.result    a result that a daemon was told is kept, so that it may forget it, was written before it was told; its
//                     outcome is the one that was kept
//   durable.told      what the model was told of a tool call is in the chat, and is what the store says of the request
// Messages and updates are looked after by the oracles of liveness and of streams.
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
  std::map<std::string, std::string> kept_;      // request -> outcome, as the gateway heard it from the store
  std::map<std::string, bool> acknowledged_;     // requests whose daemon was told
  std::map<std::string, Told> told_;             // by request
};

}  // namespace reliant::sim

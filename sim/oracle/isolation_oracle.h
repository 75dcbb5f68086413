// IsolationOracle: nothing reaches somebody whom it is not for.
//   chat     no client sees in one chat what was said in another; no user's request runs on a daemon of another
//   epoch    of the streams of one daemon each has a higher epoch than those before it, and no number is given twice (C2)
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "oracle/oracle.h"

namespace reliant::sim {

class IsolationOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState& state) override;

 private:
  struct Owner {
    std::string user;
    std::string chat;
  };
  void own(const TraceRecord& record);

  std::map<std::pair<std::string, std::string>, std::map<std::int64_t, std::string>> epochs_;  // -> gateway
  std::map<std::string, Owner> requests_;
  std::map<std::string, std::string> users_of_chats_;
  std::map<std::string, std::string> daemons_;  // of requests
};

}  // namespace reliant::sim

// StreamOracle: every client sees every update of its chat once and in order, and what the store has (R24, R40, R58).
//   gap       1, 2, 3 … without a gap and without a repetition, through every reconnect
//   equal     what was seen is what the store holds
//   stored    the store's own sequence has no gap and ends where the chat says
//   complete  at the end the client has seen all of it
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "oracle/oracle.h"

namespace reliant::sim {

class StreamOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState& state) override;

 private:
  struct Seen {
    std::string user;
    std::vector<std::int64_t> digests;  // of the updates 1, 2, 3 …
  };
  void compare(const FinalChat& chat);

  std::map<std::string, Seen> chats_;
};

}  // namespace reliant::sim

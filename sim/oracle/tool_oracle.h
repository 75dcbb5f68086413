// ToolOracle: a tool runs at most once, and what is said about it is true (C6, C7).
//   at_most_once   a request of a non-idempotent tool is begun once, by one daemon, and its machine shows each effect once
//   honest         "executed": the machine shows that it ran. "not_executed": the machine shows nothing. "unknown" is
//                  always allowed, but only for a request that was begun by a daemon that then died or lost its journal
#pragma once

#include <cstdint>
#include <map>
#include <string>

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
    std::string told;  // the outcome that the model was told
  };
  void judge(const std::string& request, const Seen& seen, const FinalState& state);

  std::map<std::string, Seen> requests_;
};

}  // namespace reliant::sim

// CredentialsOracle: a daemon gives its credentials up for one reason only (C10).
//   kept      a file is retired only after somebody has revoked the token in it
//   once      a daemon recovers at most once in ten minutes
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "oracle/oracle.h"

namespace reliant::sim {

class CredentialsOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState&) override {}

 private:
  struct Seen {
    std::int64_t revoked = 0;
    std::int64_t retired = 0;
    Instant recovered = Instant::min();
  };
  std::map<std::string, Seen> daemons_;
};

}  // namespace reliant::sim

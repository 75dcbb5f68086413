// CredentialsOracle: a daemon gives its credentials up for one reason only (C10).
//   kept      a file is retired only after the token in it was revoked
//   once      a daemon recovers at most once in ten minutes; also across restarts, once its disk has the new credentials
//   ended     a stream ends soon after the token that it was opened with
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
  void finish(const FinalState& state) override;

 private:
  struct Seen {
    std::int64_t revoked = 0;
    std::int64_t retired = 0;
    Instant recovered = Instant::min();
    bool forgets = false;  // it is not on the disk yet: the next incarnation would not know of the recovery
    bool connected = false;
    bool overstays = false;  // connected since before the token was revoked
  };
  static void lost_stream(Seen& seen) { seen.connected = seen.overstays = false; }

  std::map<std::string, Seen> daemons_;
  std::map<std::uint32_t, std::string> nodes_;  // the daemon of the node's last record
};

}  // namespace reliant::sim

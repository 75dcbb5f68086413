// FencingOracle: once a stream of a daemon was accepted, the streams before it are over (C2). Of a daemon's streams only the
// newest
//   answers     gets the result of a request into the store ("gateway.result.kept")
//   status      writes whether the daemon is connected ("gateway.status.written")
//   routed      is handed a request ("gateway.request.routed")
//   epoch       is the one that the store names in the end, or a later one
//
// A record is made when its gateway hears that the store has written, which may be after a newer stream was accepted. So a
// complaint needs more: the gateway had not even asked then ("took_us").
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "oracle/oracle.h"

namespace reliant::sim {

class FencingOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState& state) override;

 private:
  void judge(const TraceRecord& record, std::string_view oracle, std::string_view what);

  std::map<DaemonKey, std::map<std::int64_t, Instant>> accepted_;  // when, at the latest, by epoch
};

}  // namespace reliant::sim

// FencingOracle: once a stream of a daemon was accepted, the streams before it are over (C2). Of a daemon's streams only the
// newest
//   answers     gets the result of a request into the store ("gateway.result.kept")
//   status      writes whether the daemon is connected ("gateway.status.written")
//   routed      is handed a request ("gateway.request.routed")
//   epoch       is the one that the store names in the end, or a later one
//
// A record is made when its gateway hears that the store has written, which may be after a newer stream was accepted. So a
// complaint needs more: the gateway had not even asked then ("took_us").
//
// A request that only reads is fenced by no write (gateway/request_dispatcher.h), but only until the gateway hears of the newer stream:
//   reads       while nothing is broken, a stream is not handed such a request, and does not answer one, 45 s after a newer
//               one was accepted: by then its gateway has had to renew its presence ("gateway.read.routed", "… .answered")
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "oracle/calm.h"
#include "oracle/oracle.h"

namespace reliant::sim {

class FencingOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override;
  void finish(const FinalState& state) override;

 private:
  void judge(const TraceRecord& record, std::string_view oracle, std::string_view what);

  void judge_read(const TraceRecord& record);

  static constexpr Duration kHeardOf = std::chrono::seconds(45);
  Calm calm_;
  std::map<DaemonKey, std::map<std::int64_t, Instant>> accepted_;  // when, at the latest, by epoch
};

}  // namespace reliant::sim

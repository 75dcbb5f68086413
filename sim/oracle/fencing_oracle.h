// FencingOracle: once a stream of a daemon was accepted, the streams before it are fenced (C2). Only the newest stream of a
// daemon
//   answers     gets the result of a request into the store ("gateway.result.kept")
//   status      writes whether the daemon is connected ("gateway.status.written")
//   routed      is sent a request ("gateway.request.routed")
//   epoch       has the epoch that the store has at the end, or an earlier one
//
// A gateway makes a record when the store has confirmed the write, which may be after a newer stream was accepted. So a
// violation needs more: the gateway had not even begun the write then ("took_us").
//
// No write fences a read-only request (gateway/request_dispatcher.h); only the gateway's knowledge of a newer stream does:
//   reads       while nothing is broken, a stream is not sent such a request, and does not answer one, 45 s after a newer
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

#include "oracle/fencing_oracle.h"

#include "base/text.h"
#include "kernel/option.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kAnswers = "fencing.answers";
constexpr std::string_view kStatus = "fencing.status";
constexpr std::string_view kRouted = "fencing.routed";
constexpr std::string_view kReads = "fencing.reads";
constexpr std::string_view kEpoch = "fencing.epoch";
// A node's clock may run slower than the world's: this part of a measured duration is added.
constexpr std::int64_t kClockError = 10;  // one part of ten

DaemonKey daemon_in(const TraceRecord& record) { return {text_or_empty(record, "user"), text_or_empty(record, "daemon")}; }

}  // namespace

void FencingOracle::on_record(const TraceRecord& record) {
  calm_.on_record(record);
  if (record.is("gateway.session.opened")) {
    accepted_[daemon_in(record)].try_emplace(number_or_zero(record, "epoch"), record.time);
  } else if (record.is("gateway.result.kept")) {
    judge(record, kAnswers, "has answered");
  } else if (record.is("gateway.status.written")) {
    judge(record, kStatus, "has written status");
  } else if (record.is("gateway.request.routed") || record.is("gateway.request.replayed")) {
    judge(record, kRouted, "was sent a request");
  } else if (record.is("gateway.read.routed") || record.is("gateway.read.answered")) {
    judge_read(record);
  }
}

void FencingOracle::judge_read(const TraceRecord& record) {
  const auto found = accepted_.find(daemon_in(record));
  if (found == accepted_.end()) return;
  const std::int64_t epoch = number_or_zero(record, "epoch");
  const auto newer = found->second.upper_bound(epoch);
  if (newer == found->second.end() || record.time - newer->second <= kHeardOf) return;
  if (!calm_.between(record.time - kHeardOf, record.time)) return;
  verdict_.broken(kReads,
                  concat("the stream of epoch ", epoch, " of ", name_of(found->first), " still reads ",
                         to_text(record.time - newer->second), " after epoch ", newer->first, " was accepted"),
                  {{"daemon", found->first.second}, {"user", found->first.first}}, {record.time, record.step});
}

void FencingOracle::judge(const TraceRecord& record, std::string_view oracle, std::string_view what) {
  const auto found = accepted_.find(daemon_in(record));
  if (found == accepted_.end()) return;
  const std::int64_t took = number_or_zero(record, "took_us") + 1;
  const Instant asked = record.time - std::chrono::microseconds(took + took / kClockError);
  const std::int64_t epoch = number_or_zero(record, "epoch");
  const auto newer = found->second.upper_bound(epoch);
  if (newer == found->second.end() || newer->second >= asked) return;
  verdict_.broken(oracle,
                  concat("the stream of epoch ", epoch, " of ", name_of(found->first), " ", what, " ",
                         to_text(record.time - newer->second), " after epoch ", newer->first, " was accepted"),
                  {{"daemon", found->first.second}, {"user", found->first.first}}, {record.time, record.step});
}

void FencingOracle::finish(const FinalState& state) {
  for (const auto& [daemon, epochs] : accepted_) {
    const auto stored = state.daemons.find(daemon);
    const std::int64_t kept = stored == state.daemons.end() ? 0 : stored->second.epoch;
    if (kept >= epochs.rbegin()->first) continue;
    verdict_.broken(kEpoch,
                    concat(name_of(daemon), " had a stream of epoch ", epochs.rbegin()->first,
                           "; the store says that the last one is ", kept),
                    {{"daemon", daemon.second}, {"user", daemon.first}});
  }
}

}  // namespace reliant::sim

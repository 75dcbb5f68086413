#include "scenario/reconnect_watch.h"

#include <algorithm>

#include "base/text.h"
#include "kernel/option.h"

namespace reliant::sim {
namespace {

constexpr std::int64_t kLeastSeconds = 4;

}  // namespace

void ReconnectWatch::on_record(const TraceRecord& record) {
  const std::string_view name = record.name;
  if (name == "daemon.connected" && came_.insert(record.node).second) last_came_ = record.time;
  if (!crash_) {
    const std::string* target = record.text("target");
    if (name == "fault.crash" && target != nullptr && target->starts_with("gateway")) crash_ = record.time;
  } else if (name == "daemon.disconnected") {
    lost_[record.node] = record.time;
  } else if (name == "daemon.connected" && lost_.erase(record.node) > 0) {
    back_.push_back(record.time - *crash_);
  }
}

void ReconnectWatch::judge(const ReconnectExpectation& expected, Verdict& verdict) const {
  const Duration most = expected.first_within.value;
  if (most > Duration::zero() && last_came_ - Instant{} > most)
    verdict.broken("reconnect",
                   concat("the last daemon had its first stream ", to_text(last_came_ - Instant{}), " after the start"));
  if (expected.within.value > Duration::zero()) judge_storm(expected, verdict);
}

void ReconnectWatch::judge_storm(const ReconnectExpectation& expected, Verdict& verdict) const {
  constexpr Duration kSecond = std::chrono::seconds(1);
  if (!crash_ || back_.empty()) return verdict.broken("reconnect", "no gateway has died, or no daemon was connected to it");
  if (!lost_.empty()) verdict.broken("reconnect", concat(lost_.size(), " daemons have not come back"));
  if (back_.back() > expected.within.value) {
    verdict.broken("reconnect", concat("the last daemon was back ", to_text(back_.back()), " after the crash"));
  }
  std::vector<std::int64_t> seconds(static_cast<std::size_t>(back_.back() / kSecond) + 1);
  for (const Duration back : back_) ++seconds[static_cast<std::size_t>(back / kSecond)];
  const std::int64_t peak = *std::ranges::max_element(seconds);
  // The last few are late by chance, so they do not count for the length; kLeastSeconds keeps a single burst from passing.
  const Duration most = back_[back_.size() * 95 / 100];
  const std::int64_t length = std::max<std::int64_t>(most / kSecond + 1, kLeastSeconds);
  if (expected.peak_to_mean.value > 0 && peak * length >= expected.peak_to_mean.value * std::ssize(back_)) {
    verdict.broken("reconnect", concat("of ", back_.size(), " daemons that came back in about ", length, " s, ", peak,
                                       " came in one second"));
  }
}

}  // namespace reliant::sim

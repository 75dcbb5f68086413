#include "oracle/routing_oracle.h"

#include <algorithm>

#include "base/text.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kDefault = "routing.default";
constexpr std::string_view kOffline = "routing.offline";
constexpr Duration kKnown = std::chrono::seconds(60);   // until every process knows the effects of a fault
constexpr Duration kSettled = std::chrono::seconds(5);  // until every process knows of a new session, or of the end of one

}  // namespace

void RoutingOracle::on_record(const TraceRecord& record) {
  if (record.is("worker.daemon.chosen")) {
    judge(record);
  } else if (record.is("worker.daemon.offline")) {
    judge_offline(record);
  } else if (record.is("gateway.session.opened")) {
    const Key key(text_or_empty(record, "user"), text_or_empty(record, "daemon"));
    Standing& standing = daemons_[key];
    standing.open.emplace(number_or_zero(record, "epoch"), record.time);
    standing.stale = false;
  } else if (record.is("gateway.session.closed")) {
    Standing& standing = daemons_[{text_or_empty(record, "user"), text_or_empty(record, "daemon")}];
    standing.open.erase(number_or_zero(record, "epoch"));
    standing.known_until = after(record.time, kSettled);
  } else if (record.is("gateway.session.status")) {
    daemons_[{text_or_empty(record, "user"), text_or_empty(record, "daemon")}].stale =
        text_or_empty(record, "status") == "stale";
  } else if (record.is("daemon.connected")) {
    if (text_or_empty(record, "type") == "cloud")
      cloud_.insert({text_or_empty(record, "user"), text_or_empty(record, "daemon")});
  } else if (record.name.starts_with("fault.")) {
    const Duration lasts = std::chrono::microseconds(number_or_zero(record, "lasts_us"));
    quiet_from_ = std::max(quiet_from_, after(after(record.time, lasts), kKnown));
  }
}

bool RoutingOracle::usable(const Key& key, Instant now) const {
  const auto found = daemons_.find(key);
  if (found == daemons_.end() || found->second.stale) return false;
  return std::ranges::any_of(found->second.open, [&](const auto& session) { return now - session.second >= kSettled; });
}

void RoutingOracle::judge_offline(const TraceRecord& record) {
  const Instant asked = after(record.time, -std::chrono::microseconds(number_or_zero(record, "took_us")));
  const std::string& daemon = text_or_empty(record, "daemon");
  if (asked < quiet_from_ || !usable({text_or_empty(record, "user"), daemon}, asked)) return;
  verdict_.broken(
      kOffline, concat("request ", text_or_empty(record, "request_id"), " found daemon ", daemon, " offline; it is connected"),
      &record);
}

void RoutingOracle::judge(const TraceRecord& record) {
  const std::string& source = text_or_empty(record, "source");
  if (source == "chat" || record.time < quiet_from_) return;
  const std::string& user = text_or_empty(record, "user");
  const std::string& daemon = text_or_empty(record, "daemon");
  const Standing& chosen = daemons_[{user, daemon}];
  if (source == "connected" && chosen.open.empty() && record.time >= chosen.known_until) {
    verdict_.broken(kDefault, concat("daemon ", daemon, " was taken as a connected one; it is not"), &record);
  }
  if (!cloud_.contains({user, daemon})) return;
  for (const auto& [key, standing] : daemons_) {
    if (key.first != user || cloud_.contains(key) || !usable(key, record.time)) continue;
    verdict_.broken(kDefault, concat("cloud daemon ", daemon, " was taken while ", key.second, ", a local one, is connected"),
                    &record);
    return;
  }
}

}  // namespace reliant::sim

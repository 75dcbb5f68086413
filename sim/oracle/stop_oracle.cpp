#include "oracle/stop_oracle.h"

#include <algorithm>

#include "base/text.h"
#include "kernel/option.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kInOrder = "stop.in_order";
constexpr std::string_view kSentOn = "stop.sent_on";
// Its clock may run at a wrong rate.
constexpr Duration kMargin = std::chrono::seconds(1);
// Enough for one of its daemons to leave: a read and a write of a busy database, of a few seconds each.
constexpr Duration kTimeToGo = std::chrono::seconds(10);
constexpr std::size_t kSome = 3;  // daemons, one of which at least can go
// Until the other gateways know of a running gateway.
constexpr Duration kKnownAfter = std::chrono::seconds(1);

bool is_an_end(std::string_view fault) {
  for (const std::string_view word : {"fault.stop", "fault.stop.killed", "fault.crash", "fault.restarted", "fault.healed"})
    if (fault == word) return true;
  return false;
}

std::string daemon_of(const TraceRecord& record) {
  return concat(text_or_empty(record, "user"), "/", text_or_empty(record, "daemon"), "/", number_or_zero(record, "epoch"));
}

}  // namespace

void StopOracle::on_record(const TraceRecord& record) {
  const std::string_view name = record.name;
  if (name.starts_with("fault.") && !is_an_end(name)) only_ends_ = false;
  if (name == "run.node") {
    nodes_[text_or_empty(record, "called")] = static_cast<std::uint32_t>(number_or_zero(record, "id"));
  } else if (name == "fault.stop") {
    on_stop(record);
  } else if (name == "tool.effect.started") {
    running_[record.node].insert(text_or_empty(record, "request_id"));
  } else if (name == "tool.effect.finished") {
    running_[record.node].erase(text_or_empty(record, "request_id"));
  } else if (name == "daemon.registered") {
    registering_.insert(record.node);
  } else if (name == "daemon.credentials.kept" || name == "daemon.credentials.not_kept") {
    registering_.erase(record.node);
  } else if (name.starts_with("gateway.") || name == "daemon.moved_on") {
    on_gateway(record);
  } else if (name == "node.crashed" || name == "node.started") {
    running_.erase(record.node);
    registering_.erase(record.node);
    until_.erase(record.node);
    draining_.erase(record.node);
    held_.erase(record.node);
    lose_gateway(record.node);
  } else if (name == "node.exited") {
    on_exit(record);
    lose_gateway(record.node);
  }
}

void StopOracle::on_stop(const TraceRecord& record) {
  const auto node = nodes_.find(text_or_empty(record, "target"));
  if (node == nodes_.end()) return;
  const Duration grace = std::chrono::microseconds(number_or_zero(record, "lasts_us"));
  // The first SIGTERM counts; of two at one instant, either may have been received.
  const auto [stop, fresh] = until_.try_emplace(node->second, Stop{record.time, after(record.time, grace)});
  if (!fresh && stop->second.asked == record.time) stop->second.until = std::min(stop->second.until, after(record.time, grace));
  const bool has_time = stop->second.until - stop->second.asked >= kTimeToGo;
  const bool is_gateway = gateways_.contains(node->second);
  lose_gateway(node->second);
  if (!has_time) draining_.erase(node->second);
  if (!is_gateway || !has_time) return;
  Draining draining{held_[node->second].size(), {}, false};
  for (const auto& [gateway, since] : gateways_)
    if (after(since, kKnownAfter) < record.time) draining.others.insert(gateway);
  draining_[node->second] = std::move(draining);
}

void StopOracle::on_gateway(const TraceRecord& record) {
  const std::string_view name = record.name;
  if (name == "gateway.started") {
    gateways_.try_emplace(record.node, record.time);
  } else if (name == "gateway.session.opened") {
    held_[record.node].insert(daemon_of(record));
  } else if (name == "gateway.session.closed") {
    held_[record.node].erase(daemon_of(record));
    const auto draining = draining_.find(record.node);
    // Its daemon is already connecting elsewhere, and has not recorded that yet.
    if (draining != draining_.end() && text_or_empty(record, "reason") == kReasonSuperseded) draining->second.sent_on = true;
  } else if (name == "gateway.drained") {
    on_drained(record.node);
  } else if (name == "daemon.moved_on") {
    const std::string& from = text_or_empty(record, "from");
    const auto node = nodes_.find(from.substr(0, from.rfind(':')));
    const auto draining = node == nodes_.end() ? draining_.end() : draining_.find(node->second);
    if (draining != draining_.end()) draining->second.sent_on = true;
  }
}

void StopOracle::lose_gateway(std::uint32_t node) {
  gateways_.erase(node);
  for (auto& [gateway, draining] : draining_) draining.others.erase(node);
}

void StopOracle::on_drained(std::uint32_t gateway) {
  const auto found = draining_.find(gateway);
  if (found == draining_.end()) return;
  const Draining draining = std::move(found->second);
  draining_.erase(found);
  if (!only_ends_ || draining.sent_on || draining.daemons < kSome || draining.others.empty()) return;
  verdict_.broken(kSentOn, concat("a gateway that was asked to stop held ", draining.daemons,
                                  " daemons, another gateway was up, and "
                                  "none of them moved"));
}

void StopOracle::on_exit(const TraceRecord& record) {
  const auto until = until_.find(record.node);
  if (until == until_.end()) return;
  const Duration left = until->second.until - record.time;
  if (left <= kMargin) return;
  const auto running = running_.find(record.node);
  const bool runs = running != running_.end() && !running->second.empty();
  if (!runs && !registering_.contains(record.node)) return;
  verdict_.broken(kInOrder,
                  concat(text_or_empty(record, "called"), " has ended while it ",
                         runs ? concat("ran request ", *running->second.begin()) : "wrote its credentials", ", ", to_text(left),
                         " before its time was over"),
                  &record);
}

}  // namespace reliant::sim

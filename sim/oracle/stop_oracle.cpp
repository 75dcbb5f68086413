#include "oracle/stop_oracle.h"

#include "base/text.h"
#include "kernel/option.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kInOrder = "stop.in_order";
// Its clock may run at a wrong rate.
constexpr Duration kMargin = std::chrono::seconds(1);

}  // namespace

void StopOracle::on_record(const TraceRecord& record) {
  const std::string_view name = record.name;
  if (name == "run.node") {
    nodes_[text_or_empty(record, "called")] = static_cast<std::uint32_t>(number_or_zero(record, "id"));
  } else if (name == "fault.stop") {
    const auto node = nodes_.find(text_or_empty(record, "target"));
    const Duration grace = std::chrono::microseconds(number_or_zero(record, "lasts_us"));
    if (node != nodes_.end()) until_[node->second] = after(record.time, grace);
  } else if (name == "tool.effect.started") {
    running_[record.node].insert(text_or_empty(record, "request_id"));
  } else if (name == "tool.effect.finished") {
    running_[record.node].erase(text_or_empty(record, "request_id"));
  } else if (name == "node.crashed" || name == "node.started") {
    running_.erase(record.node);
    until_.erase(record.node);
  } else if (name == "node.exited") {
    on_exit(record);
  }
}

void StopOracle::on_exit(const TraceRecord& record) {
  const auto until = until_.find(record.node);
  const auto running = running_.find(record.node);
  if (until == until_.end() || running == running_.end() || running->second.empty()) return;
  const Duration left = until->second - record.time;
  if (left <= kMargin) return;
  verdict_.broken(kInOrder, concat(text_or_empty(record, "called"), " has ended while it ran request ", *running->second.begin(),
                                   ", ", to_text(left), " before its time was over"),
                  &record);
}

}  // namespace reliant::sim

#include "oracle/lane_oracle.h"

#include "base/text.h"
#include "model/subject.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kQueueGroup = "lane.queue_group";

// Whether the subject is one of those that a queue group serves.
bool for_one(std::string_view subject) {
  using model::DaemonSubject;
  for (const DaemonSubject kind : {DaemonSubject::kToolRequestSync, DaemonSubject::kToolOnline, DaemonSubject::kCommand,
                                   DaemonSubject::kToolCancel, DaemonSubject::kToolRequest}) {
    const std::string_view prefix = model::prefix_of(kind);
    if (!subject.starts_with(prefix) || subject.size() <= prefix.size() || subject[prefix.size()] != '.') continue;
    const auto address = model::parse_daemon_subject(kind, subject);
    if (!address.ok()) continue;
    const bool user_lane = address->daemon.empty();
    return !user_lane || kind == DaemonSubject::kToolRequest || kind == DaemonSubject::kToolCancel;
  }
  return false;
}

}  // namespace

void LaneOracle::on_record(const TraceRecord& record) {
  if (record.is("run.node") && text_or_empty(record, "role") == "bus") {
    bus_ = static_cast<std::uint32_t>(number_or_zero(record, "id"));
  }
}

void LaneOracle::on_delivery(const Delivery& delivery) {
  if (delivery.way != Delivery::Way::kBus || !for_one(delivery.about)) return;
  auto entry = owed_.find(delivery.about);
  if (entry == owed_.end()) entry = owed_.emplace(std::string(delivery.about), 0).first;
  if (delivery.to == bus_) {
    ++entry->second;
  } else if (--entry->second < 0) {
    entry->second = 0;
    TraceRecord where;
    where.time = delivery.at;
    verdict_.broken(kQueueGroup, concat(delivery.about, ": more than one gateway got a message that is for one of them"), &where);
  }
}

}  // namespace reliant::sim

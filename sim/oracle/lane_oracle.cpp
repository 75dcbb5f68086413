#include "oracle/lane_oracle.h"

#include "base/text.h"
#include "kernel/option.h"
#include "model/subject.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kQueueGroup = "lane.queue_group";
constexpr std::string_view kOffline = "lane.at_once";

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
  if (record.is("run.node") && !text_or_empty(record, "daemon").empty()) daemons_.insert(text_or_empty(record, "called"));
  if (record.name.starts_with("fault.") && !daemons_.contains(text_or_empty(record, "target"))) calm_.on_record(record);
  if (record.is("worker.daemon.offline")) judge_offline(record);
}

void LaneOracle::judge_offline(const TraceRecord& record) {
  const std::int64_t took = number_or_zero(record, "took_us");
  const Instant asked = record.time - std::chrono::microseconds(took);
  if (took <= kAtOnce || !calm_.between(asked, record.time)) return;
  verdict_.broken(kOffline,
                  concat("request ", text_or_empty(record, "request_id"), ": that no gateway holds ",
                         text_or_empty(record, "daemon"), " was known only after ", to_text(std::chrono::microseconds(took))),
                  &record);
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
    verdict_.broken(kQueueGroup, concat(delivery.about, ": more than one gateway got a message that is for one of them"),
                    &where);
  }
}

}  // namespace reliant::sim

#include "oracle/intruder_oracle.h"

#include "base/text.h"
#include "model/tool_messages.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kUnsigned = "intruder.unsigned";
constexpr std::string_view kRepeated = "intruder.repeated";

}  // namespace

void IntruderOracle::on_record(const TraceRecord& record) {
  if (record.is("run.node")) {
    const auto id = static_cast<std::uint32_t>(number_or_zero(record, "id"));
    const std::string& role = text_or_empty(record, "role");
    if (role == "intruder") intruders_.insert(id);
    if (role == "worker" || role == "api") askers_.insert(id);
    if (role == "bus") bus_ = id;
  }
  if (intruders_.empty()) return;
  const std::string& request = text_or_empty(record, "request_id");
  if (record.is("intruder.published") && text_or_empty(record, "what") != "again" && !request.empty()) forged_.insert(request);
  const bool reaches =
      record.is("gateway.request.routed") || record.is("gateway.read.routed") || record.is("tool.effect.started");
  if (reaches && forged_.contains(request))
    verdict_.broken(kUnsigned, concat("request ", request, " of an intruder has reached a daemon"), &record);
  if (record.is("gateway.read.routed")) judge_read(record);
}

void IntruderOracle::judge_read(const TraceRecord& record) {
  const std::string& request = text_or_empty(record, "request_id");
  const std::int64_t times = ++read_[request];
  const auto asked = asked_.find(request);
  if (asked == asked_.end() || times <= asked->second) return;
  verdict_.broken(
      kRepeated,
      concat("request ", request, " was sent to a daemon ", times, " times, and published by a server ", asked->second),
      &record);
}

void IntruderOracle::on_delivery(const Delivery& delivery) {
  if (intruders_.empty() || delivery.way != Delivery::Way::kBus || delivery.to != bus_) return;
  if (!askers_.contains(delivery.from) || !delivery.about.starts_with("tools.request.")) return;
  const auto request = model::decode_tool_request(delivery.payload);
  if (request.ok()) ++asked_[request->request.id.str()];
}

}  // namespace reliant::sim

#include "oracle/status_oracle.h"

#include "base/text.h"
#include "kernel/option.h"
#include "model/daemon_status.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kConverged = "status.converged";
constexpr std::string_view kBoundary = "status.boundary";

// Faults after which what a node calls 30 s need not be 30 s.
bool bends_time(std::string_view fault) {
  for (const std::string_view word : {"pause", "clock", "sleep", "drift", "jump"}) {
    if (fault.find(word) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

void StatusOracle::on_record(const TraceRecord& record) {
  const std::string_view name = record.name;
  if (name == "daemon.connected") {
    const DaemonKey daemon{text_or_empty(record, "user"), text_or_empty(record, "daemon")};
    daemons_[record.node] = daemon;
    streams_[daemon][number_or_zero(record, "epoch")] = Stream{record.node, text_or_empty(record, "gateway")};
  } else if (name == "daemon.disconnected" || name == "node.crashed" || name == "node.exited") {
    const auto daemon = daemons_.find(record.node);
    if (daemon == daemons_.end()) return;
    const bool all = name != "daemon.disconnected";
    const std::int64_t epoch = number_or_zero(record, "epoch");
    std::erase_if(streams_[daemon->second], [&](const auto& stream) {
      return stream.second.node == record.node && (all || stream.first == epoch);
    });
  } else if (name == "gateway.session.opened") {
    opened_[{{text_or_empty(record, "user"), text_or_empty(record, "daemon")}, number_or_zero(record, "epoch")}] = record.time;
  } else if (name == "gateway.session.status") {
    on_status(record);
  } else if (name == "run.node") {
    const auto id = static_cast<std::uint32_t>(number_or_zero(record, "id"));
    nodes_[text_or_empty(record, "called")] = id;
    if (heard_.size() <= id) heard_.resize(id + 1);
    const DaemonKey daemon{text_or_empty(record, "user"), text_or_empty(record, "daemon")};
    if (!daemon.second.empty()) ++places_[daemon];
    if (!daemon.second.empty()) daemons_[id] = daemon;
  } else if (name.starts_with("fault.")) {
    on_fault(record);
  }
}

void StatusOracle::on_fault(const TraceRecord& record) {
  if (!bends_time(record.name)) return;
  const auto node = nodes_.find(text_or_empty(record, "target"));
  if (node != nodes_.end()) irregular_.insert(node->second);
}

void StatusOracle::on_delivery(const Delivery& delivery) {
  if (delivery.way == Delivery::Way::kLink && delivery.from < heard_.size()) {
    heard_[delivery.from] = Heard{delivery.to, delivery.at};
  }
}

void StatusOracle::on_status(const TraceRecord& record) {
  const DaemonKey daemon{text_or_empty(record, "user"), text_or_empty(record, "daemon")};
  const std::string& status = text_or_empty(record, "status");
  const bool stale = status == to_string(model::DaemonConnection::kStale);
  if (!stale && status != to_string(model::DaemonConnection::kDisconnected)) return;
  const Duration patience = stale ? model::kStaleAfter : model::kDisconnectedAfter;
  const auto places = places_.find(daemon);
  if (places == places_.end() || places->second != 1 || irregular_.contains(record.node)) return;
  const auto opened = opened_.find({daemon, number_or_zero(record, "epoch")});
  if (opened == opened_.end()) return;
  Instant last = opened->second;
  for (const auto& [node, key] : daemons_) {
    if (key != daemon) continue;
    if (heard_[node].gateway != record.node && heard_[node].last > last) return;  // it speaks with another one by now
    last = std::max(last, heard_[node].last);
  }
  const Duration silent = record.time - last;
  if (silent == patience) return;
  verdict_.broken(kBoundary, concat(name_of(daemon), " is called ", status, " after a silence of ", to_text(silent),
                                    "; right is ", to_text(patience)),
                  &record);
}

void StatusOracle::finish(const FinalState& state) {
  for (const auto& [daemon, stored] : state.daemons) judge(daemon, stored);
  for (const auto& [daemon, open] : streams_) {
    if (!open.empty() && !state.daemons.contains(daemon)) {
      verdict_.not_live(kConverged, concat(name_of(daemon), " is connected, and is not in the store"));
    }
  }
}

void StatusOracle::judge(const DaemonKey& daemon, const FinalDaemon& stored) {
  const auto& open = streams_[daemon];
  const model::DaemonConnection truth =
      open.empty() ? model::DaemonConnection::kDisconnected : model::DaemonConnection::kFresh;
  if (stored.connection != to_string(truth)) {
    return verdict_.not_live(kConverged, concat(name_of(daemon), " is ", to_string(truth), ", and the store says \"",
                                                stored.connection, "\" 150 s after the healing"));
  }
  if (open.empty()) return;
  const auto& [epoch, stream] = *open.rbegin();
  if (stored.epoch == epoch && stored.gateway == stream.gateway) return;
  verdict_.not_live(kConverged, concat(name_of(daemon), " is connected to ", stream.gateway, " with epoch ", epoch,
                                       ", and the store says ", stored.gateway, " with epoch ", stored.epoch));
}

}  // namespace reliant::sim

#include "oracle/status_oracle.h"

#include "base/text.h"
#include "kernel/option.h"
#include "model/daemon_status.h"
#include "reliant/tools/v1/daemon.pb.h"

namespace reliant::sim {
namespace {

namespace proto = ::reliant::tools::v1;

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
  if (delivery.way != Delivery::Way::kLink) return;
  if (delivery.from < heard_.size()) {
    Heard& heard = heard_[delivery.from];
    heard.gateway = delivery.to;
    heard.connection = delivery.connection;
    heard.last = delivery.at;
  }
  if (delivery.to < heard_.size() && heard_[delivery.to].greeted != delivery.connection) {
    learn_connection(delivery, heard_[delivery.to]);
  }
}

// The first thing that a gateway says on a connection is the epoch of its stream.
void StatusOracle::learn_connection(const Delivery& delivery, Heard& daemon) {
  daemon.greeted = delivery.connection;
  const auto key = daemons_.find(delivery.to);
  proto::GatewayFrame frame;
  if (key == daemons_.end() || !frame.ParseFromArray(delivery.payload.data(), static_cast<int>(delivery.payload.size()))) return;
  if (frame.has_registered()) connections_[{key->second, frame.registered().epoch()}] = delivery.connection;
}

void StatusOracle::on_status(const TraceRecord& record) {
  const DaemonKey daemon{text_or_empty(record, "user"), text_or_empty(record, "daemon")};
  const std::string& status = text_or_empty(record, "status");
  const bool stale = status == to_string(model::DaemonConnection::kStale);
  if (!stale && status != to_string(model::DaemonConnection::kDisconnected)) return;
  const Duration patience = stale ? model::kStaleAfter : model::kDisconnectedAfter;
  const auto places = places_.find(daemon);
  if (places == places_.end() || places->second != 1 || irregular_.contains(record.node)) return;
  const std::pair epoch(daemon, number_or_zero(record, "epoch"));
  const auto opened = opened_.find(epoch);
  if (opened == opened_.end()) return;
  Instant last = opened->second;
  for (const auto& [node, key] : daemons_) {
    if (key != daemon || heard_[node].last <= last) continue;
    // Another connection has been used since: when this one was used last is not known any more.
    const auto connection = connections_.find(epoch);
    if (connection == connections_.end() || connection->second != heard_[node].connection) return;
    last = heard_[node].last;
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

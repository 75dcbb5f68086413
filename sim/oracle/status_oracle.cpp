#include "oracle/status_oracle.h"

#include <algorithm>

#include "base/text.h"
#include "kernel/option.h"
#include "model/daemon_status.h"
#include "reliant/tools/v1/daemon.pb.h"

namespace reliant::sim {
namespace {

namespace proto = ::reliant::tools::v1;

constexpr std::string_view kConverged = "status.converged";
constexpr std::string_view kBoundary = "status.boundary";
constexpr std::string_view kBeat = "status.beat";
constexpr std::string_view kGivenUp = "nothing was heard from the gateway";  // as the daemon says it
constexpr Duration kWritten = std::chrono::milliseconds(500);                // writes in progress go first

// Faults after which 30 s on a node's clock need not be 30 s.
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
    running_[daemon].insert(record.node);
  } else if (name == "daemon.disconnected" || name == "node.crashed" || name == "node.exited") {
    const auto daemon = daemons_.find(record.node);
    if (daemon == daemons_.end()) return;
    const bool all = name != "daemon.disconnected";
    if (!all) on_given_up(record);
    const std::int64_t epoch = number_or_zero(record, "epoch");
    if (all) running_[daemon->second].erase(record.node);
    std::erase_if(streams_[daemon->second],
                  [&](const auto& stream) { return stream.second.node == record.node && (all || stream.first == epoch); });
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
    heard_[id].daemon = !daemon.second.empty();
  } else if (name.starts_with("fault.")) {
    on_fault(record);
  }
}

void StatusOracle::on_fault(const TraceRecord& record) {
  const bool disk = record.name.starts_with("fault.disk");
  if (!disk && !bends_time(record.name)) return;
  const auto node = nodes_.find(text_or_empty(record, "target"));
  if (node != nodes_.end()) (disk ? slow_ : irregular_).insert(node->second);
}

void StatusOracle::on_delivery(const Delivery& delivery) {
  sees_messages_ = true;
  if (delivery.way != Delivery::Way::kLink) return;
  if (is_daemon(delivery.from)) {
    hear(delivery, heard_[delivery.from]);
  } else if (is_daemon(delivery.to)) {
    tell(delivery, heard_[delivery.to]);
  }
}

void StatusOracle::hear(const Delivery& delivery, Heard& daemon) {
  // The first heartbeat comes after the greeting.
  if (daemon.connection == delivery.connection && daemon.greeted == delivery.connection) {
    judge_silence(delivery, daemon);
    judge_beat(delivery, std::max(daemon.sent, daemon.greeted_at), model::kDaemonHeartbeat);
  }
  daemon.gateway = delivery.to;
  daemon.connection = delivery.connection;
  daemon.last = delivery.at;
  daemon.sent = delivery.sent;
}

void StatusOracle::tell(const Delivery& delivery, Heard& daemon) {
  if (daemon.greeted != delivery.connection) {
    learn_connection(delivery, daemon);
    daemon.greeted_at = delivery.at;
  } else {
    judge_beat(delivery, daemon.told_sent, model::kGatewayHeartbeat);
    const Duration silent = delivery.at - daemon.told;
    if (silent > model::kDisconnectedAfter && !irregular_.contains(delivery.to)) {
      TraceRecord where;
      where.time = delivery.at;
      verdict_.broken(
          kBoundary,
          concat(name_of(daemons_[delivery.to]), " still listens to a gateway that it had not heard for ", to_text(silent)),
          &where);
    }
  }
  daemon.told = delivery.at;
  daemon.told_sent = delivery.sent;
}

// A message after a silence: the gateway must have noticed the silence.
void StatusOracle::judge_silence(const Delivery& delivery, const Heard& daemon) {
  const Duration silent = delivery.at - daemon.last;
  if (silent <= model::kStaleAfter || daemon.greeted_at > daemon.last || irregular_.contains(delivery.to)) return;
  const bool noticed = daemon.called_stale > daemon.last && silent <= model::kDisconnectedAfter;
  if (noticed) return;
  TraceRecord where;
  where.time = delivery.at;
  verdict_.broken(kBoundary,
                  concat(name_of(daemons_[delivery.from]), " was silent for ", to_text(silent), ", and its gateway has not ",
                         silent <= model::kDisconnectedAfter ? "called it stale" : "ended the stream"),
                  &where);
}

void StatusOracle::judge_beat(const Delivery& delivery, Instant before, Duration interval) {
  const Duration gap = delivery.sent - before;
  if (gap <= interval + kWritten) return;
  if (irregular_.contains(delivery.from) || slow_.contains(delivery.from)) return;
  TraceRecord where;
  where.time = delivery.at;
  const bool daemon = is_daemon(delivery.from);
  verdict_.broken(kBeat,
                  concat(daemon ? "" : "the gateway of ", name_of(daemons_[daemon ? delivery.from : delivery.to]),
                         " has said nothing for ", to_text(gap), "; right is ", to_text(interval)),
                  &where);
}

void StatusOracle::on_given_up(const TraceRecord& record) {
  if (!text_or_empty(record, "why").starts_with(kGivenUp) || irregular_.contains(record.node)) return;
  const Heard& heard = heard_[record.node];
  const auto connection = connections_.find({daemons_[record.node], number_or_zero(record, "epoch")});
  if (connection == connections_.end() || connection->second != heard.greeted) return;
  const Duration silent = record.time - heard.told;
  if (silent == model::kDisconnectedAfter || silent == Duration::zero()) return;  // zero: both at the same moment
  verdict_.broken(kBoundary,
                  concat(name_of(daemons_[record.node]), " has given its gateway up after a silence of ", to_text(silent),
                         "; right is ", to_text(model::kDisconnectedAfter)),
                  &record);
}

// The first message of a gateway on a connection is the epoch of its stream.
void StatusOracle::learn_connection(const Delivery& delivery, Heard& daemon) {
  daemon.greeted = delivery.connection;
  const auto key = daemons_.find(delivery.to);
  proto::GatewayFrame frame;
  if (key == daemons_.end() || !frame.ParseFromArray(delivery.payload.data(), static_cast<int>(delivery.payload.size())))
    return;
  if (frame.has_registered()) connections_[{key->second, frame.registered().epoch()}] = delivery.connection;
}

void StatusOracle::on_status(const TraceRecord& record) {
  const DaemonKey daemon{text_or_empty(record, "user"), text_or_empty(record, "daemon")};
  const std::string& status = text_or_empty(record, "status");
  const bool stale = status == to_string(model::DaemonConnection::kStale);
  if (!stale && status != to_string(model::DaemonConnection::kDisconnected)) return;
  if (stale) note_stale(daemon, number_or_zero(record, "epoch"), record.time);
  const Duration timeout = stale ? model::kStaleAfter : model::kDisconnectedAfter;
  const auto places = places_.find(daemon);
  if (!sees_messages_ || places == places_.end() || places->second != 1 || irregular_.contains(record.node)) return;
  const std::pair epoch(daemon, number_or_zero(record, "epoch"));
  const auto opened = opened_.find(epoch);
  if (opened == opened_.end()) return;
  Instant last = opened->second;
  for (const auto& [node, key] : daemons_) {
    if (key != daemon || heard_[node].last <= last) continue;
    // Another connection has been used since: the last use of this one is no longer known.
    const auto connection = connections_.find(epoch);
    if (connection == connections_.end() || connection->second != heard_[node].connection) return;
    last = heard_[node].last;
  }
  const Duration silent = record.time - last;
  if (silent == timeout) return;
  verdict_.broken(
      kBoundary,
      concat(name_of(daemon), " is called ", status, " after a silence of ", to_text(silent), "; right is ", to_text(timeout)),
      &record);
}

void StatusOracle::note_stale(const DaemonKey& daemon, std::int64_t epoch, Instant when) {
  const auto connection = connections_.find({daemon, epoch});
  if (connection == connections_.end()) return;
  for (const auto& [node, key] : daemons_) {
    if (key == daemon && heard_[node].connection == connection->second) heard_[node].called_stale = when;
  }
}

void StatusOracle::finish(const FinalState& state) {
  for (const auto& [daemon, stored] : state.daemons) judge(daemon, stored);
  for (const auto& [daemon, nodes] : running_) {
    if (nodes.empty() || places_[daemon] != 1 || !streams_[daemon].empty()) continue;
    verdict_.not_live(kConverged, concat(name_of(daemon), " runs, and has no stream 150 s after the healing"),
                      {{"daemon", daemon.second}, {"user", daemon.first}});
  }
  for (const auto& [daemon, open] : streams_) {
    if (!open.empty() && !state.daemons.contains(daemon)) {
      verdict_.not_live(kConverged, concat(name_of(daemon), " is connected, and is not in the store"),
                        {{"daemon", daemon.second}, {"user", daemon.first}});
    }
  }
}

void StatusOracle::judge(const DaemonKey& daemon, const FinalDaemon& stored) {
  const auto& open = streams_[daemon];
  const model::DaemonConnection truth = open.empty() ? model::DaemonConnection::kDisconnected : model::DaemonConnection::kFresh;
  if (stored.connection != to_string(truth)) {
    return verdict_.not_live(kConverged,
                             concat(name_of(daemon), " is ", to_string(truth), ", and the store says \"", stored.connection,
                                    "\" 150 s after the healing"),
                             {{"daemon", daemon.second}, {"user", daemon.first}});
  }
  if (open.empty()) return;
  const auto& [epoch, stream] = *open.rbegin();
  if (stored.epoch == epoch && stored.gateway == stream.gateway) return;
  verdict_.not_live(kConverged,
                    concat(name_of(daemon), " is connected to ", stream.gateway, " with epoch ", epoch, ", and the store says ",
                           stored.gateway, " with epoch ", stored.epoch),
                    {{"daemon", daemon.second}, {"user", daemon.first}});
}

}  // namespace reliant::sim

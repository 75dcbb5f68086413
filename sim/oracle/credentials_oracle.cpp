#include "oracle/credentials_oracle.h"

#include <utility>

#include "base/text.h"

namespace reliant::sim {
namespace {
constexpr std::string_view kKept = "credentials.kept";
constexpr std::string_view kOnce = "credentials.once";
constexpr std::string_view kEnded = "credentials.ended";
constexpr Duration kBetween = std::chrono::minutes(10);
}  // namespace

void CredentialsOracle::on_record(const TraceRecord& record) {
  if (record.is("fault.revoke_token")) {
    Seen& seen = daemons_[text_or_empty(record, "target")];
    ++seen.revoked;
    seen.overstays = seen.connected;
  } else if (record.is("daemon.connected")) {
    const std::string& daemon = nodes_[record.node] = text_or_empty(record, "daemon");
    Seen& seen = daemons_[daemon];
    seen.connected = true;
    seen.overstays = false;  // it has another token now
  } else if (record.is("daemon.disconnected") || record.is("node.crashed") || record.is("node.exited")) {
    if (const auto daemon = nodes_.find(record.node); daemon != nodes_.end()) lost_stream(daemons_[daemon->second]);
  } else if (record.is("daemon.credentials.retired")) {
    const std::string& daemon = text_or_empty(record, "daemon");
    Seen& seen = daemons_[daemon];
    if (++seen.retired > seen.revoked) {
      verdict_.broken(
          kKept,
          concat(daemon, " has given up its credentials ", seen.retired, " times; they were revoked ", seen.revoked, " times"),
          &record);
    }
  } else if (record.is("daemon.credentials.kept")) {
    daemons_[text_or_empty(record, "daemon")].forgets = false;
  } else if (record.is("node.started")) {
    const auto daemon = nodes_.find(record.node);
    if (daemon == nodes_.end() || !std::exchange(daemons_[daemon->second].forgets, false)) return;
    daemons_[daemon->second].recovered = Instant::min();
  } else if (record.is("daemon.registered") && number_or_zero(record, "recovers") != 0) {
    const std::string& daemon = text_or_empty(record, "daemon");
    Seen& seen = daemons_[daemon];
    if (seen.recovered != Instant::min() && record.time - seen.recovered < kBetween) {
      verdict_.broken(kOnce,
                      concat(daemon, " has registered again ", (record.time - seen.recovered) / std::chrono::seconds(1),
                             " s after it did so before"),
                      &record);
    }
    seen.recovered = record.time;
    seen.forgets = true;  // until it is on the disk
    nodes_[record.node] = daemon;
  }
}

// The run goes on for minutes after the last fault.
void CredentialsOracle::finish(const FinalState&) {
  for (const auto& [daemon, seen] : daemons_) {
    if (seen.overstays)
      verdict_.not_live(kEnded, concat(daemon, " still has the stream that it opened with a token that was revoked"),
                        {{"daemon", daemon}});
  }
}

}  // namespace reliant::sim

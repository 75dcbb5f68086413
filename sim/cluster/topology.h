// Topology: how many processes of which kind a run has, and what the network between them is like. Options of a scenario
// (kernel/option.h).
#pragma once

#include <string>

#include "kernel/option.h"

namespace reliant::sim {

struct Topology {
  std::string mode = "distributed";  // or "monolith"
  std::string lane = "daemon";       // of the workers' requests: or "user", "user_sync", "mixed"
  Count api{3};
  Count workers{3};
  Count gateways{3};
  Count daemons{20};
  Count cloud_daemons{0};
  Count suspended_daemons{0};
  Count twins{0};
  Count intruders{0};
  Count users{2, 6};
  Count silent_streams{0};
  Count floods{0};
  std::string names = "own";                 // or "equal"
  std::string credentials = "given";         // or "own", "none"
  Span token_life{std::chrono::seconds(0)};  // of the own ones; zero: they do not expire

  bool monolith() const { return mode == "monolith"; }
};

template <class Visitor>
void describe(Visitor& visitor, Topology& topology) {
  visitor.word("mode", topology.mode, {"distributed", "monolith"},
               "distributed: every role on nodes of its own; monolith: one process, one user, one daemon");
  visitor.word("lane", topology.lane, {"daemon", "user", "user_sync", "mixed"},
               "where workers send requests: to the daemon's own subjects; to the user's, of which one gateway receives each; "
               "to the user's that every gateway receives; or each worker as the seed draws");
  visitor.option("api", topology.api, 1, 20, "api replicas");
  visitor.option("workers", topology.workers, 1, 20, "workers");
  visitor.option("gateways", topology.gateways, 1, 20, "gateways");
  visitor.option("daemons", topology.daemons, 1, 5000, "daemons, shared out among the users");
  visitor.option("cloud_daemons", topology.cloud_daemons, 0, 1000, "managed ones that run, shared out likewise");
  visitor.option("suspended_daemons", topology.suspended_daemons, 0, 1000, "managed ones that the control plane must resume");
  visitor.word("names", topology.names, {"own", "equal"}, "of the daemons: each its own, or the same ones at every user");
  visitor.word("credentials", topology.credentials, {"given", "own", "none"},
               "of the daemons: the user's token, given by hand; a token of its own in a file; none, it has to register");
  visitor.option("token_life", topology.token_life,
                 "after how long the daemons' own tokens expire, unless they are renewed; 0s: never");
  visitor.option("twins", topology.twins, 0, 100,
                 "machines that take up the id of a daemon for a while, as a copied disk image does");
  visitor.option("intruders", topology.intruders, 0, 10,
                 "hostile clients of a bus without permissions: they publish requests, commands and notices of their own");
  visitor.option("users", topology.users, 1, 5000, "users, each with a client on a node of its own");
  visitor.option("silent_streams", topology.silent_streams, 0, 5000,
                 "streams to the gateways that a hostile user opens again and again, without a message on them");
  visitor.option("floods", topology.floods, 0, 100, "daemons of a hostile user that send unrequested results of megabytes");
}

struct NetworkPlan {
  Span latency_low{std::chrono::microseconds(50), std::chrono::milliseconds(2)};
  Span latency_spread{std::chrono::microseconds(100), std::chrono::milliseconds(20)};
  Chance slow{0, 5'000};
  Span slow_extra{std::chrono::milliseconds(20), std::chrono::milliseconds(300)};
  Chance silent_crash{0, 500'000};
};

template <class Visitor>
void describe(Visitor& visitor, NetworkPlan& network) {
  visitor.option("latency_low", network.latency_low, "the fastest trip from node to node");
  visitor.option("latency_spread", network.latency_spread, "how much longer an ordinary trip may take");
  visitor.option("slow", network.slow, "trips that take slow_extra longer");
  visitor.option("slow_extra", network.slow_extra, "at most, of a slow trip");
  visitor.option("silent_crash", network.silent_crash, "crashes of which the peers are not notified");
}

}  // namespace reliant::sim

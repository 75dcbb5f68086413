// A tools daemon on a user's machine, composed as in src/app/daemon_main.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/world.h"
#include "daemon/daemon.h"
#include "runtime/task.h"

namespace reliant::sim {

struct DaemonNodeOptions {
  std::string id;
  std::string user;
  daemon::DaemonKind kind = daemon::DaemonKind::kLocal;
  std::string token;          // given by hand; "": its own, from its credentials file
  std::string session_token;  // of the user logged in there
  std::vector<std::string> servers;
  std::vector<std::string> gateways;
  std::string working_directory;
  // Set for a twin: it begins this time after the start of the node, and goes away for good `lives` later.
  std::optional<Duration> begins;
  Duration lives{};
};

// Where a user's daemon keeps its credentials (R66).
std::string credentials_path(const std::string& user);

// The part of the daemon's machine that outlives its processes.
struct DaemonMachine {
  DaemonMachine(Simulation& simulation, Node& node, DatabaseBeginnings& beginnings)
      : journal(simulation, node, "journal", {}, &beginnings) {}

  SimMachine machine;
  DatabaseFile journal;
};

// One incarnation of the node. `world` and `machine` outlive it.
Task<void> daemon_node(Node& node, World& world, DaemonMachine& machine, DaemonNodeOptions options);

}  // namespace reliant::sim

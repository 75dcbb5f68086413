// A tools daemon on a machine of a user, as src/app/daemon_main.cpp puts it together.
#pragma once

#include <string>
#include <vector>

#include "cluster/world.h"
#include "daemon/daemon.h"
#include "runtime/task.h"

namespace reliant::sim {

struct DaemonNodeOptions {
  std::string id;
  daemon::DaemonKind kind = daemon::DaemonKind::kLocal;
  std::string token;
  std::vector<std::string> gateways;
  std::string working_directory;
};

// What of the daemon's machine outlives its processes.
struct DaemonMachine {
  DaemonMachine(Simulation& simulation, Node& node) : journal(simulation, node, "journal") {}

  SimMachine machine;
  DatabaseFile journal;
};

// One life of the node. `world` and `machine` outlive it.
Task<void> daemon_node(Node& node, World& world, DaemonMachine& machine, DaemonNodeOptions options);

}  // namespace reliant::sim

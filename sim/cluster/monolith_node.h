// The monolith: every role in one process, composed as in src/app/monolith_main.cpp (R10 to R14): the local database,
// the embedded engine, the gateway and the daemon in process, updates in memory.
#pragma once

#include <string>

#include "cluster/daemon_node.h"
#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct MonolithNodeOptions {
  std::string address;  // "monolith:8080"
  std::string daemon;   // its id
  std::string token;
  std::string working_directory;
};

// The state that outlives the process: its data directory, and the machine.
struct MonolithMachine {
  MonolithMachine(Simulation& simulation, Node& node, DatabaseBeginnings& beginnings)
      : data(simulation, node, "reliant", {}, &beginnings),
        temporal(simulation, node, "temporal", {}, &beginnings),
        daemon(simulation, node, beginnings) {}

  DatabaseFile data;
  DatabaseFile temporal;
  DaemonMachine daemon;
};

// One incarnation of the node. `world` and `machine` outlive it.
Task<void> monolith_node(Node& node, World& world, MonolithMachine& machine, MonolithNodeOptions options);

}  // namespace reliant::sim

// A worker of the distributed topology, as src/app/worker_main.cpp puts it together.
#pragma once

#include <string>

#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct WorkerNodeOptions {
  std::string lane;  // as in topology.h
};

// One life of the node. `world` and `machine` outlive it; the machine is where tools of the server's own run.
Task<void> worker_node(Node& node, World& world, SimMachine& machine, WorkerNodeOptions options);

}  // namespace reliant::sim

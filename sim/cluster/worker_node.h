// A worker of the distributed topology, composed as in src/app/worker_main.cpp.
#pragma once

#include <string>

#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct WorkerNodeOptions {
  std::string lane;  // as in topology.h
};

// One incarnation of the node. `world` and `machine` outlive it; the server's own tools run on `machine`.
Task<void> worker_node(Node& node, World& world, SimMachine& machine, WorkerNodeOptions options);

}  // namespace reliant::sim

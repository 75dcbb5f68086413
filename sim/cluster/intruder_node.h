// An intruder: a foreign client of the bus, on a bus that lets every client publish everything. It receives the lanes of all
// gateways, and requests tools from daemons: without a signature, with the signature of another request, or by a replay of a
// received message. It also ends other clients' requests and streams.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct IntruderNodeOptions {
  std::vector<std::pair<std::string, std::string>> daemons;  // user and daemon: its targets
};

// One incarnation of the node. `world` outlives it.
Task<void> intruder_node(Node& node, World& world, IntruderNodeOptions options);

}  // namespace reliant::sim

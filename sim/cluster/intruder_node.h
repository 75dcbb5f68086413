// An intruder: a client of the bus that is none of ours, on a bus that lets every client publish everything. It hears the lanes
// that every gateway hears, and asks daemons to run tools of its own: with no signature, with one that it has heard with another
// request, or with the very message that it has heard, once more. It also ends other clients' requests and streams.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct IntruderNodeOptions {
  std::vector<std::pair<std::string, std::string>> daemons;  // user and daemon: it has learnt who there is
};

// One life of the node. `world` outlives it.
Task<void> intruder_node(Node& node, World& world, IntruderNodeOptions options);

}  // namespace reliant::sim

// An API replica of the distributed topology, composed as in src/app/api_main.cpp.
#pragma once

#include <string>

#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct ApiNodeOptions {
  std::string address;  // "api-1:8080"
};

// One incarnation of the node. `world` outlives it.
Task<void> api_node(Node& node, World& world, ApiNodeOptions options);

}  // namespace reliant::sim

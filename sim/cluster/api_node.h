// An api replica of the distributed topology, as src/app/api_main.cpp puts it together.
#pragma once

#include <string>

#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct ApiNodeOptions {
  std::string address;  // "api-1:8080"
};

// One life of the node. `world` outlives it.
Task<void> api_node(Node& node, World& world, ApiNodeOptions options);

}  // namespace reliant::sim

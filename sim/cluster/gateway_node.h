// A gateway of the distributed topology, composed as in src/app/gateway_main.cpp.
#pragma once

#include <string>

#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct GatewayNodeOptions {
  std::string address;  // "gateway-1:7000"
};

// One incarnation of the node. `world` outlives it.
Task<void> gateway_node(Node& node, World& world, GatewayNodeOptions options);

}  // namespace reliant::sim

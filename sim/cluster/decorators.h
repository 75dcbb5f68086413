// Decorators: a test's wrappers of the ports and roles of simulated nodes, to plant a bug and show that it is found. The
// composition roots (`*_node.cpp`) call each decorator once in every incarnation of a node, with the object to wrap. Without
// decorators, nothing is wrapped. Owner: the test; it outlives the cluster.
#pragma once

#include <functional>
#include <memory>

#include "kernel/node.h"
#include "ports/bus.h"
#include "ports/database.h"
#include "ports/temporal.h"
#include "router/daemon_router.h"

namespace reliant::sim {

template <class Port>
using Decorator = std::function<std::unique_ptr<Port>(Node&, std::unique_ptr<Port>)>;

struct Decorators {
  Decorator<ports::Bus> bus;
  Decorator<ports::Temporal> temporal;
  Decorator<ports::Database> journal;  // the daemons'
  // Between the tool bridge (or the local router) and the gateway, which the result refers to.
  std::function<std::unique_ptr<router::DaemonSessions>(Node&, router::DaemonSessions&)> sessions;
};

template <class Port>
std::unique_ptr<Port> decorated(const Decorator<Port>& decorator, Node& node, std::unique_ptr<Port> port) {
  return decorator ? decorator(node, std::move(port)) : std::move(port);
}

}  // namespace reliant::sim

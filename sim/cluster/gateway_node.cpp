#include "cluster/gateway_node.h"

#include <utility>

#include "auth/authenticator.h"
#include "gateway/gateway.h"
#include "gateway/tool_bridge.h"
#include "runtime/sleep.h"
#include "store/store.h"

namespace reliant::sim {

namespace {

constexpr std::int64_t kAnyNumber = 0;  // scenarios say how many daemons there are

}  // namespace

Task<void> gateway_node(Node& node, World& world, GatewayNodeOptions options) {
  SimDatabase database(*world.database, node);
  store::Store store(database, node.clock(), node.random("store"));
  auth::DbPatValidator authenticator(store.tokens());
  SimSecrets secrets(node.random("secrets"));
  gateway::Records records(store, authenticator, secrets, node.clock());
  const auto bus = decorated<ports::Bus>(world.decorators.bus, node, std::make_unique<SimBus>(*world.bus, node));
  SimLinkTransport links(world.links, node);
  gateway::Gateway gateway(node.context(), node.clock(), node.log(), links, records,
                           {.id = GatewayId(node.name()),
                            .listen_address = options.address,
                            .max_daemons_per_user = kAnyNumber});
  const auto around = world.decorators.sessions ? world.decorators.sessions(node, gateway) : nullptr;
  router::DaemonSessions& sessions = around ? *around : static_cast<router::DaemonSessions&>(gateway);
  gateway::NatsToolBridge bridge(node.context(), node.clock(), node.log(), *bus, sessions);
  gateway.set_observer(bridge);
  while (!(co_await gateway.start()).ok()) co_await sleep_for(kStartPause);
  world.started.insert(node.id());
  const Instant deadline = co_await node.until_asked_to_stop();
  co_await gateway.stop(deadline);
  (void)co_await bus->drain(deadline);
  node.exit();
}

}  // namespace reliant::sim

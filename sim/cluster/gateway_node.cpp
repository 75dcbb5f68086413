#include "cluster/gateway_node.h"

#include <utility>

#include "auth/authenticator.h"
#include "auth/key_ring.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/tool_bridge.h"
#include "store/database_clock.h"
#include "store/store.h"

namespace reliant::sim {

namespace {

constexpr std::int64_t kAnyNumber = 0;  // no limit: the scenario sets the number of daemons

}  // namespace

Task<void> gateway_node(Node& node, World& world, GatewayNodeOptions options) {
  SimDatabase database(*world.database, node);
  store::DatabaseClock clock(database, node.clock());
  store::Store store(database, clock, node.random("store"));
  auth::DbPatValidator authenticator(store.tokens());
  SimSecrets secrets(node.random("secrets"));
  gateway::Records records(store, authenticator, secrets, clock);
  co_await know_time_of(clock);
  auth::KeyRing keys(node.context(), clock, node.log(), store.signing_keys(), secrets);
  const auto bus = decorated<ports::Bus>(world.decorators.bus, node, std::make_unique<SimBus>(*world.bus, node));
  SimLinkTransport links(world.links, node, {.keepalive_timeout = gateway::kKeepaliveTimeout});
  gateway::Gateway gateway(node.context(), clock, node.log(), links, records,
                           {.id = GatewayId(concat(node.name(), "-", node.random("gateway").hex(8))),
                            .listen_address = options.address,
                            .max_daemons_per_user = kAnyNumber});
  const auto around = world.decorators.sessions ? world.decorators.sessions(node, gateway) : nullptr;
  router::DaemonSessions& sessions = around ? *around : static_cast<router::DaemonSessions&>(gateway);
  gateway::NatsToolBridge bridge(node.context(), clock, node.log(), *bus, sessions, keys, node.random("nonces"));
  gateway.set_observer(bridge);
  TaskScope beside(node.context());
  beside.spawn(clock.keep_measured(node.log()));
  co_await until_ok([&] { return gateway.start(); });
  world.started.insert(node.id());
  const Instant deadline = co_await node.until_asked_to_stop();
  co_await gateway.stop(deadline);
  (void)co_await bus->drain(deadline);
  node.exit();
}

}  // namespace reliant::sim

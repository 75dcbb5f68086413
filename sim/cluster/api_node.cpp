#include "cluster/api_node.h"

#include <utility>

#include "api/server.h"
#include "auth/authenticator.h"
#include "auth/key_ring.h"
#include "router/nats_daemon_router.h"
#include "store/database_clock.h"
#include "store/store.h"
#include "temporal/workflow_client.h"
#include "updates/nats_update_hub.h"

namespace reliant::sim {

Task<void> api_node(Node& node, World& world, ApiNodeOptions options) {
  SimDatabase database(*world.database, node);
  store::DatabaseClock clock(database, node.clock());
  store::Store store(database, clock, node.random("store"));
  auth::DbPatValidator authenticator(store.tokens());
  const auto bus = decorated<ports::Bus>(world.decorators.bus, node, std::make_unique<SimBus>(*world.bus, node));
  updates::NatsUpdateHub hub(*bus, node.log());
  const auto temporal =
      decorated<ports::Temporal>(world.decorators.temporal, node, std::make_unique<SimTemporal>(*world.temporal, node));
  temporal::WorkflowClient workflows(*temporal, node.clock(), node.random("workflows"),
                                     {.name_space = "default", .identity = node.name()});
  const auto control_plane = control_plane_of(world, node);
  SimSecrets secrets(node.random("secrets"));
  SimHttpServer http_server(world.web, node);

  co_await until_ok([&] { return store.migrate(after(clock.now(), kStartTimeout)); });
  co_await know_time_of(clock);
  auth::KeyRing keys(node.context(), clock, node.log(), store.signing_keys(), secrets);
  auth::BusSigner signer(keys, clock, node.random("nonces"));
  router::NatsDaemonRouter router(*bus, clock, signer);
  TaskScope beside(node.context());
  beside.spawn(clock.keep_measured(node.log()));
  Random random = node.random("api");
  api::ApiServer server(node.context(), RandomStreams(random.next()),
                        {.clock = clock,
                         .log = node.log(),
                         .http_server = http_server,
                         .store = store,
                         .authenticator = authenticator,
                         .hub = hub,
                         .workflows = workflows,
                         .router = router,
                         .secrets = secrets,
                         .control_plane = control_plane.get()},
                        {.listen_address = options.address, .task_queue = std::string(kTaskQueue)});
  if (const Status listening = server.start(); !listening.ok()) {
    node.log().error("api.start.failed", {{"error", message_of(listening)}});
    co_return;
  }
  world.started.insert(node.id());
  const Instant deadline = co_await node.until_asked_to_stop();
  co_await server.stop(deadline);
  (void)co_await bus->drain(deadline);
  node.exit();
}

}  // namespace reliant::sim

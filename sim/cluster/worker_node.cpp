#include "cluster/worker_node.h"

#include <iterator>
#include <utility>

#include "auth/key_ring.h"
#include "cluster/user_lane_router.h"
#include "store/database_clock.h"
#include "store/store.h"
#include "tools/standard_tools.h"
#include "updates/nats_update_hub.h"
#include "worker/worker_role.h"
#include "world/sim_filesystem.h"

namespace reliant::sim {

namespace {

Lane lane_of(const std::string& word, Random random) {
  constexpr Lane kAll[] = {Lane::kDaemon, Lane::kUser, Lane::kUserSync};
  if (word == "mixed") return kAll[random.below(std::size(kAll))];
  return word == "user" ? Lane::kUser : word == "user_sync" ? Lane::kUserSync : Lane::kDaemon;
}

}  // namespace

Task<void> worker_node(Node& node, World& world, SimMachine& machine, WorkerNodeOptions options) {
  SimDatabase database(*world.database, node);
  store::DatabaseClock clock(database, node.clock());
  store::Store store(database, clock, node.random("store"));
  SimSecrets secrets(node.random("secrets"));
  co_await know_time_of(clock);
  auth::KeyRing keys(node.context(), clock, node.log(), store.signing_keys(), secrets);
  auth::BusSigner signer(keys, clock, node.random("nonces"));
  const auto bus = decorated<ports::Bus>(world.decorators.bus, node, std::make_unique<SimBus>(*world.bus, node));
  updates::NatsUpdateHub hub(*bus, node.log());
  const auto router = router_on(lane_of(options.lane, node.random("lane")), *bus, clock, signer, &store.executions());
  const auto temporal =
      decorated<ports::Temporal>(world.decorators.temporal, node, std::make_unique<SimTemporal>(*world.temporal, node));
  const auto control_plane = control_plane_of(world, node);
  ByteProvider model = model_of(world, node);
  SimProcesses processes(machine, node.random("processes"));
  SimFilesystem filesystem(machine.disk, machine.disk_faults, node.random("files"));
  const tools::ToolRegistry tools = tools::make_standard_tools(processes, filesystem);

  worker::WorkerRole role(node.context(), node.random("worker"), *temporal,
                          {.clock = clock,
                           .log = node.log(),
                           .store = store,
                           .hub = hub,
                           .router = *router,
                           .model = model,
                           .tools = tools,
                           .control_plane = control_plane.get()},
                          {.name_space = "default", .task_queue = std::string(kTaskQueue), .identity = node.name()});
  const KnownWorker known(world, node, role);
  TaskScope beside(node.context());
  beside.spawn(clock.keep_measured(node.log()));
  co_await until_ok([&] { return role.start(after(node.clock().now(), kStartTimeout)); });
  world.started.insert(node.id());
  const Instant deadline = co_await node.until_asked_to_stop();
  co_await role.stop(deadline);
  (void)co_await bus->drain(deadline);
  node.exit();
}

}  // namespace reliant::sim

#include "cluster/monolith_node.h"

#include <utility>

#include "api/server.h"
#include "auth/authenticator.h"
#include "daemon/daemon.h"
#include "gateway/gateway.h"
#include "router/local_daemon_router.h"
#include "runtime/event.h"
#include "runtime/scope.h"
#include "store/store.h"
#include "temporal/engine/engine.h"
#include "temporal/workflow_client.h"
#include "tools/standard_tools.h"
#include "updates/memory_update_hub.h"
#include "worker/worker_role.h"
#include "world/sim_filesystem.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kGatewayAddress = "monolith:7000";

// R13: the daemon starts with the first request.
class StartWithFirstRequest final : public api::FirstRequestObserver {
 public:
  void on_first_request(const UserId&) override { wanted_.set(); }
  Event& wanted() { return wanted_; }

 private:
  Event wanted_;
};

Task<void> run_daemon(daemon::Daemon& daemon, Event& wanted, EventLog& log) {
  (void)co_await wanted.wait();
  const Status ended = co_await daemon.run();
  if (!ended.ok()) log.error("daemon.ended", {{"error", message_of(ended)}});
}

}  // namespace

Task<void> monolith_node(Node& node, World& world, MonolithMachine& machine, MonolithNodeOptions options) {
  SimFileDatabase database(machine.data);
  store::Store store(database, node.clock(), node.random("store"));
  auth::DbPatValidator authenticator(store.tokens());
  updates::MemoryUpdateHub hub;
  SimFileDatabase temporal_database(machine.temporal);
  auto own_engine = std::make_unique<temporal::engine::Engine>(node.context(), node.clock(), node.random("engine"), node.log(),
                                                               temporal_database);
  temporal::engine::Engine& engine = *own_engine;
  const auto temporal = decorated<ports::Temporal>(world.decorators.temporal, node, std::move(own_engine));
  temporal::WorkflowClient workflows(*temporal, node.clock(), node.random("workflows"),
                                     {.name_space = "default", .identity = node.name()});

  SimLinkTransport links(world.links, node);
  SimSecrets secrets(node.random("secrets"));
  gateway::Records records(store, authenticator, secrets, node.clock());
  gateway::Gateway gateway(node.context(), node.clock(), node.log(), links, records,
                           {.id = GatewayId(node.name()),
                            .listen_address = std::string(kGatewayAddress),
                            .kinds_as_ids = gateway::KindsAsIds::kAllowed});
  const auto around = world.decorators.sessions ? world.decorators.sessions(node, gateway) : nullptr;
  router::LocalDaemonRouter router(around ? *around : static_cast<router::DaemonSessions&>(gateway));

  SimProcesses processes(machine.daemon.machine, node.random("processes"), node.incarnation());
  SimFilesystem filesystem(machine.daemon.machine.disk, machine.daemon.machine.disk_faults, node.random("files"));
  tools::ToolRegistry tools = tools::make_standard_tools(processes, filesystem);
  ByteProvider model = model_of(world, node);
  worker::WorkerRole worker(
      node.context(), node.random("worker"), *temporal,
      {.clock = node.clock(), .log = node.log(), .store = store, .hub = hub, .router = router, .model = model, .tools = tools},
      {.name_space = "default", .task_queue = std::string(kTaskQueue), .identity = node.name()});

  const KnownWorker known(world, node, worker);

  const auto journal =
      decorated<ports::Database>(world.decorators.journal, node, std::make_unique<SimFileDatabase>(machine.daemon.journal));
  daemon::DaemonOptions daemon_options;
  daemon_options.id = DaemonId(options.daemon);
  daemon_options.name = options.daemon;
  daemon_options.gateway_addresses = {std::string(kGatewayAddress)};
  daemon_options.token = options.token;
  daemon_options.version = "simulated";
  daemon_options.working_directory = options.working_directory;
  daemon::Daemon daemon(node.context(), node.clock(), node.random("daemon"), node.log(), links, tools, processes, *journal,
                        std::move(daemon_options));

  SimHttpServer http_server(world.web, node);
  StartWithFirstRequest first_request;
  Random random = node.random("api");
  api::ApiServer server(node.context(), RandomStreams(random.next()),
                        {.clock = node.clock(),
                         .log = node.log(),
                         .http_server = http_server,
                         .store = store,
                         .authenticator = authenticator,
                         .hub = hub,
                         .workflows = workflows,
                         .router = router,
                         .secrets = secrets},
                        {.listen_address = options.address, .task_queue = std::string(kTaskQueue)});
  server.set_first_request_observer(first_request);

  co_await until_ok([&] { return store.migrate(after(node.clock().now(), kStartTimeout)); });
  co_await until_ok([&] { return engine.start(after(node.clock().now(), kStartTimeout)); });
  TaskScope scope(node.context());
  scope.spawn(run_daemon(daemon, first_request.wanted(), node.log()));
  co_await until_ok([&] { return gateway.start(); });
  co_await until_ok([&] { return worker.start(after(node.clock().now(), kStartTimeout)); });
  if (const Status listening = server.start(); !listening.ok()) {
    node.log().error("api.start.failed", {{"error", message_of(listening)}});
    co_return;
  }
  world.started.insert(node.id());
  const Instant deadline = co_await node.until_asked_to_stop();
  co_await server.stop(deadline);
  co_await worker.stop(deadline);
  if (first_request.wanted().is_set()) co_await daemon.stop(deadline);
  co_await gateway.stop(deadline);
  node.exit();
}

}  // namespace reliant::sim

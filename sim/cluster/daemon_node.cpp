#include "cluster/daemon_node.h"

#include <utility>

#include "base/text.h"
#include "cluster/failing_tools.h"
#include "daemon/daemon.h"
#include "daemon/supervisor.h"
#include "runtime/deadline.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "tools/standard_tools.h"
#include "world/sim_filesystem.h"
#include "world/sim_http_client.h"

namespace reliant::sim {
namespace {

// The first connection marks the node as started.
Task<void> watch_start(const daemon::Daemon& daemon, World& world, std::uint32_t node) {
  while (!daemon.connected()) co_await sleep_for(kStartPause);
  world.started.insert(node);
}

constexpr Duration kTwinGrace = std::chrono::seconds(5);

// The program is started again when it has ended, as by a service manager.
Task<void> serve(daemon::Supervisor& supervisor, std::string daemon, EventLog& log) {
  for (;;) {
    const Status ended = co_await supervisor.run();
    if (ended.code() == StatusCode::kUnauthenticated) {
      log.error("daemon.token.refused", {{"daemon", daemon}, {"error", message_of(ended)}});
    }
    co_await sleep_for(kStartPause);
  }
}

Task<Instant> until_it_goes(Node& node, DaemonNodeOptions options) {
  if (!options.begins) co_return co_await node.until_asked_to_stop();
  const auto asked = co_await with_deadline(node.until_asked_to_stop(), after(node.clock().now(), options.lives));
  co_return asked.value_or(after(node.clock().now(), kTwinGrace));
}

Task<void> live(Node& node, World& world, DaemonMachine& machine, DaemonNodeOptions options) {
  SimProcesses processes(machine.machine, node.random("processes"), node.incarnation());
  SimFilesystem filesystem(machine.machine.disk, machine.machine.disk_faults, node.random("files"));
  const std::string credentials = credentials_path(options.user);
  filesystem.close_paths({credentials.substr(0, credentials.rfind('/'))});
  SimFilesystem own_files(machine.machine.disk, machine.machine.disk_faults, node.random("own files"));
  const tools::ToolRegistry standard = tools::make_standard_tools(processes, filesystem);
  tools::ToolRegistry tools = failing_tools(standard, machine.machine);
  SimLinkTransport own_links(world.links, node);
  // A stream of the run, not of this incarnation: a repeated result has the same bytes.
  Random bytes = world.simulation.random(concat("bytes/", options.user, "/", options.id));
  ByteLinks links(own_links, world.bytes, RandomStreams(bytes.next()), node.log());
  const auto journal =
      decorated<ports::Database>(world.decorators.journal, node, std::make_unique<SimFileDatabase>(machine.journal));
  daemon::DaemonOptions daemon_options;
  daemon_options.id = DaemonId(options.id);
  daemon_options.name = options.id;
  daemon_options.kind = options.kind;
  daemon_options.gateway_addresses = options.gateways;
  daemon_options.version = "simulated";
  daemon_options.working_directory = options.working_directory;
  daemon::Daemon daemon(node.context(), node.clock(), node.random("daemon"), node.log(), links, tools, processes, *journal,
                        std::move(daemon_options));
  SimHttpClient http(world.web, node);
  daemon::CredentialsFile file(own_files, credentials);
  daemon::Registration registration(http, options.servers, options.session_token);
  daemon::Supervisor supervisor(daemon, file, registration, node.clock(), node.random("supervisor"), node.log(), options.token);
  TaskScope scope(node.context());
  if (!world.started.contains(node.id())) scope.spawn(watch_start(daemon, world, node.id()));
  scope.spawn(serve(supervisor, options.id, node.log()));
  const Instant deadline = co_await until_it_goes(node, options);
  co_await supervisor.stop(deadline);
}

}  // namespace

std::string credentials_path(const std::string& user) {
  return concat("/home/", user, "/.config/reliant/auth/reliant-daemon.json");
}

Task<void> daemon_node(Node& node, World& world, DaemonMachine& machine, DaemonNodeOptions options) {
  if (!options.begins) {
    co_await live(node, world, machine, std::move(options));
    node.exit();
    co_return;
  }
  world.started.insert(node.id());      // the warm-up does not wait for it
  co_await sleep_for(*options.begins);  // virtual time: when this node begins
  co_await live(node, world, machine, std::move(options));
  co_await never();
}

}  // namespace reliant::sim

#include "cluster/cluster.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cluster/api_node.h"
#include "cluster/gateway_node.h"
#include "cluster/hostile_node.h"
#include "cluster/intruder_node.h"
#include "cluster/worker_node.h"
#include "daemon/credentials.h"
#include "llm/scripted_provider.h"
#include "runtime/sleep.h"
#include "store/store.h"
#include "worker/worker_role.h"

namespace reliant::sim {
namespace {

// Two rounds of parallel tools, then an answer. Every effect is identified by its request, and every text of a chat by its
// mark (sim/workload/chat_watcher.cpp looks for it). `sleep` is the simulated shell's, in virtual time.
constexpr std::string_view kScript = R"(name: simulated
answers:
  - steps:
      - text: "I look at {{user}}, mark-{{conversation}}."
        calls:
          - {tool: bash, arguments: {command: "effect first; echo mark-{{conversation}} one; sleep 0.3; effect first-end"}}
          - {tool: bash, arguments: {command: "append {{conversation}}.log second && seq 1 40 && sleep 1.5 && echo mark-{{conversation}} two"}}
          - {tool: write, arguments: {path: "{{conversation}}.txt", content: "mark-{{conversation}}"}}
      - text: "And once more."
        delay_ms: 200
        calls:
          - {tool: view, arguments: {path: "{{conversation}}.txt"}}
          - {tool: bash, arguments: {command: "effect third; sleep 4; echo mark-{{conversation}} three"}}
      - text: "That was all for mark-{{conversation}}: step {{step}}, and a text that is long enough for several parts."
        chunk_delay_ms: 20
)";

// These fall into the chaos of most scenarios.
constexpr std::pair<Duration, Duration> kTwinBegins{std::chrono::seconds(6), std::chrono::seconds(25)};
constexpr std::pair<Duration, Duration> kTwinLives{std::chrono::seconds(5), std::chrono::seconds(30)};
// The hostile user has several tokens, like a user with several registered daemons.
constexpr const char* kHostileUser = "user-hostile";
constexpr int kHostileTokens = 4;
constexpr Duration kHostileLives = std::chrono::seconds(30);
constexpr Duration kStageTimeout = std::chrono::seconds(30);

NetworkOptions network_options(const NetworkPlan& plan) {
  NetworkOptions options;
  options.latency.low = plan.latency_low.value;
  options.latency.high = plan.latency_low.value + plan.latency_spread.value;
  options.latency.slow_per_million = static_cast<std::uint32_t>(plan.slow.value);
  options.latency.slow_low = options.latency.high;
  options.latency.slow_high = options.latency.high + plan.slow_extra.value;
  options.silent_crash_per_million = static_cast<std::uint32_t>(plan.silent_crash.value);
  return options;
}

}  // namespace

std::string_view default_script() { return kScript; }

Result<std::unique_ptr<Cluster>> Cluster::make(Simulation& simulation, ClusterPlan plan, const Decorators& decorators,
                                               DatabaseBeginnings& beginnings) {
  if (plan.script.empty()) {
    plan.script = kScript;
    plan.script_file = "the simulator's own script";
  }
  TRY_ASSIGN(auto script, llm::ScriptedProvider::parse(plan.script, plan.script_file));
  return std::unique_ptr<Cluster>(new Cluster(simulation, std::move(plan), std::move(script), decorators, beginnings));
}

Cluster::Cluster(Simulation& simulation, ClusterPlan plan, std::unique_ptr<llm::ScriptedProvider> script,
                 const Decorators& decorators, DatabaseBeginnings& beginnings)
    : simulation_(simulation),
      plan_(std::move(plan)),
      world_(simulation, network_options(plan_.network), decorators, beginnings) {
  world_.script = std::move(script);
  make_users();
  if (plan_.topology.monolith()) {
    make_monolith();
  } else {
    make_infrastructure();
    make_servers();
    make_daemons();
    make_hostile();
    make_intruders();
  }
}

Node& Cluster::add(std::string role, std::string name, Node::Program program) {
  Node& node = simulation_.add_node(std::move(name));
  places_.push_back(Place{std::move(role), &node, std::move(program)});
  return node;
}

void Cluster::make_users() {
  const std::int64_t count = plan_.topology.monolith() ? 1 : plan_.topology.users.value;
  for (std::int64_t i = 1; i <= count; ++i) {
    const std::string id = concat("user-", i);
    Random random = simulation_.random(concat("token/", id));
    users_.push_back(ClusterUser{id, concat("rlnt_pat_", random.hex(64)), concat("/home/", id, "/project"), {}});
  }
}

void Cluster::make_infrastructure() {
  world_.database = std::make_unique<DatabaseServer>(world_.network, add("database", "database", nullptr), &world_.beginnings);
  world_.bus = std::make_unique<SimBusServer>(world_.network, add("bus", "bus", nullptr));
  world_.temporal = std::make_unique<TemporalServer>(world_.network, add("temporal", "temporal", nullptr),
                                                     temporal::engine::EngineOptions{}, &world_.beginnings);
}

void Cluster::make_servers() {
  for (std::int64_t i = 1; i <= plan_.topology.api.value; ++i) {
    const std::string name = concat("api-", i);
    api_addresses_.push_back(concat(name, ":8080"));
    add("api", name, [this, address = api_addresses_.back()](Node& node) { return api_node(node, world_, {address}); });
  }
  for (std::int64_t i = 1; i <= plan_.topology.workers.value; ++i) {
    SimMachine& machine = server_machines_.emplace_back();
    add("worker", concat("worker-", i),
        [this, &machine](Node& node) { return worker_node(node, world_, machine, {plan_.topology.lane}); });
  }
  for (std::int64_t i = 1; i <= plan_.topology.gateways.value; ++i) {
    const std::string name = concat("gateway-", i);
    gateway_addresses_.push_back(concat(name, ":7000"));
    add("gateway", name,
        [this, address = gateway_addresses_.back()](Node& node) { return gateway_node(node, world_, {address}); });
  }
}

void Cluster::make_daemons() {
  for (std::int64_t i = 0; i < plan_.topology.daemons.value; ++i) {
    add_daemon("daemon", concat("daemon-", i + 1), static_cast<std::size_t>(i));
  }
  for (std::int64_t i = 0; i < std::min(plan_.topology.twins.value, plan_.topology.daemons.value); ++i) {
    add_twin(static_cast<std::size_t>(i));
  }
  const std::int64_t cloud = plan_.topology.cloud_daemons.value;
  const std::int64_t suspended = plan_.topology.suspended_daemons.value;
  if (cloud + suspended > 0) make_managed();
}

void Cluster::make_hostile() {
  HostileNodeOptions options;
  options.silent_streams = plan_.topology.silent_streams.value;
  options.floods = plan_.topology.floods.value;
  options.gateways = gateway_addresses_;
  options.lives = kHostileLives;
  if (options.silent_streams + options.floods == 0) return;
  for (int i = 0; i < kHostileTokens; ++i) {
    Random random = simulation_.random(concat("token/hostile/", i));
    hostile_tokens_.push_back(concat("rlnt_pat_", random.hex(64)));
  }
  options.tokens = hostile_tokens_;
  add("hostile", "hostile", [this, options](Node& of) { return hostile_node(of, world_, options); });
}

void Cluster::make_intruders() {
  IntruderNodeOptions options;
  for (const Machine& machine : machines_) options.daemons.emplace_back(machine.user, machine.daemon);
  for (std::int64_t i = 1; i <= plan_.topology.intruders.value; ++i)
    add("intruder", concat("intruder-", i), [this, options](Node& node) { return intruder_node(node, world_, options); });
}

Cluster::Place& Cluster::add_daemon(std::string role, std::string name, std::size_t number) {
  ClusterUser& user = users_[number % users_.size()];
  Node& node = add(std::move(role), name, nullptr);
  Machine& machine = machines_.emplace_back(name, user.id, simulation_, node, world_.beginnings);
  (void)machine.machine.machine.disk.make_directories(user.project_path);
  // A daemon's id is unique within its user: another user's daemon may have the same id (C2).
  const bool equal = plan_.topology.names == "equal" && places_.back().role == "daemon";
  const std::string id = equal ? concat("laptop-", number / users_.size() + 1) : name;
  machine.daemon = id;
  user.daemons.push_back(id);
  Place& place = places_.back();
  // Each daemon has the gateways in another order.
  DaemonNodeOptions options;
  options.id = id;
  options.user = user.id;
  options.gateways = gateway_addresses_;
  options.working_directory = user.project_path;
  for (const std::string& address : api_addresses_) options.servers.push_back(concat("http://", address));
  if (plan_.topology.credentials == "given") {
    options.token = user.token;
  } else {
    options.session_token = user.token;
    if (plan_.topology.credentials == "own") make_credentials(machine);
  }
  if (place.role != "daemon") options.kind = daemon::DaemonKind::kCloud;
  std::ranges::rotate(options.gateways,
                      options.gateways.begin() + static_cast<std::ptrdiff_t>(number % options.gateways.size()));
  place.program = [this, &machine, options](Node& of) { return daemon_node(of, world_, machine.machine, options); };
  return place;
}

void Cluster::make_credentials(Machine& machine) {
  Random random = simulation_.random(concat("token/", machine.daemon));
  machine.token = concat("rlnt_pat_", random.hex(64));
  const std::string path = credentials_path(machine.user);
  SimDisk& disk = machine.machine.machine.disk;
  (void)disk.make_directories(path.substr(0, path.rfind('/')));
  (void)disk.write(path, daemon::to_text({DaemonId(machine.daemon), UserId(machine.user), machine.token, {}}), kWallStart);
}

void Cluster::add_twin(std::size_t number) {
  const ClusterUser& user = users_[number % users_.size()];
  Node& node = add("twin", concat("twin-", number + 1), nullptr);
  Machine& machine = machines_.emplace_back(concat("daemon-", number + 1), user.id, simulation_, node, world_.beginnings);
  (void)machine.machine.machine.disk.make_directories(user.project_path);
  DaemonNodeOptions options;
  options.id = machine.daemon;
  options.user = user.id;
  options.token = user.token;
  options.gateways = gateway_addresses_;
  options.working_directory = user.project_path;
  for (const std::string& address : api_addresses_) options.servers.push_back(concat("http://", address));
  places_.back().program = [this, &machine, options](Node& of) mutable {
    Random random = of.random("twin");
    options.begins = random.duration(kTwinBegins.first, kTwinBegins.second);
    options.lives = random.duration(kTwinLives.first, kTwinLives.second);
    return daemon_node(of, world_, machine.machine, options);
  };
}

void Cluster::make_managed() {
  world_.control_plane = std::make_unique<ControlPlaneServer>(world_.network, add("control-plane", "control-plane", nullptr));
  const auto cloud = static_cast<std::size_t>(plan_.topology.cloud_daemons.value);
  const auto all = cloud + static_cast<std::size_t>(plan_.topology.suspended_daemons.value);
  for (std::size_t i = 0; i < all; ++i) {
    Place& place = add_daemon("cloud-daemon", concat("cloud-", i + 1), i);
    ports::ManagedDaemon managed{DaemonId(place.node->name()), place.node->name(), ports::Lifecycle::kRunning};
    const UserId user(machines_.back().user);
    if (i >= cloud) {
      managed.lifecycle = ports::Lifecycle::kSuspended;
      place.after_boot = std::exchange(place.program, nullptr);
    }
    world_.control_plane->add(user, std::move(managed), [&place] {
      if (!place.node->up()) place.node->restart();
      place.program = place.after_boot;
      place.node->start(place.program);
    });
  }
}

void Cluster::make_monolith() {
  Node& node = add("monolith", "monolith", nullptr);
  monolith_ = std::make_unique<MonolithMachine>(simulation_, node, world_.beginnings);
  ClusterUser& user = users_.front();
  user.daemons.push_back("local");
  (void)monolith_->daemon.machine.disk.make_directories(user.project_path);
  api_addresses_.push_back("monolith:8080");
  const MonolithNodeOptions options{api_addresses_.front(), user.daemons.front(), user.token, user.project_path};
  places_.back().program = [this, options](Node& of) { return monolith_node(of, world_, *monolith_, options); };
}

void Cluster::start() { simulation_.world().spawn(bring_up()); }

Task<void> Cluster::bring_up() {
  const Status set = co_await set_stage();
  if (!set.ok()) {
    simulation_.trace().record(0, Level::kError, "cluster.stage.failed", {{"error", message_of(set)}});
    co_return;
  }
  for (Place& place : places_) {
    if (place.program) place.node->start(place.program);
  }
}

Task<Status> Cluster::set_stage() {
  store::Store store(contents(), places_.front().node->clock(), simulation_.random("stage"));
  const Instant deadline = after(simulation_.now(), kStageTimeout);
  CO_TRY_OK(co_await store.migrate(deadline));
  for (const ClusterUser& user : users_) {
    CO_TRY_OK((co_await store.users().create(UserId(user.id), user.id, deadline)).status());
    CO_TRY_OK((co_await store.tokens().create(UserId(user.id), "simulated", user.token, deadline)).status());
  }
  if (!hostile_tokens_.empty())
    CO_TRY_OK((co_await store.users().create(UserId(kHostileUser), kHostileUser, deadline)).status());
  for (const std::string& token : hostile_tokens_)
    CO_TRY_OK((co_await store.tokens().create(UserId(kHostileUser), "simulated", token, deadline)).status());
  for (const Machine& machine : machines_) {
    if (machine.token.empty()) continue;
    store::NewToken own{UserId(machine.user), concat("daemon ", machine.daemon), model::TokenKind::kDaemon,
                        DaemonId(machine.daemon), std::nullopt};
    if (plan_.topology.token_life.value > Duration::zero()) own.lifetime = plan_.topology.token_life.value;
    CO_TRY_OK((co_await store.tokens().create(std::move(own), machine.token, deadline)).status());
  }
  co_return ok_status();
}

std::string Cluster::not_ready() const {
  std::string missing;
  for (const Place& place : places_) {
    if (place.program && !world_.started.contains(place.node->id()))
      missing += concat(missing.empty() ? "" : ", ", place.node->name());
  }
  return missing;
}

ports::Database& Cluster::contents() { return monolith_ ? monolith_->data.contents() : world_.database->contents(); }

std::vector<ClusterMachine> Cluster::machines() const {
  std::vector<ClusterMachine> machines;
  machines.reserve(machines_.size() + 1);
  for (const Machine& machine : machines_) machines.push_back({machine.called, machine.user, &machine.machine.machine.effects});
  if (monolith_) {
    machines.push_back({users_.front().daemons.front(), users_.front().id, &monolith_->daemon.machine.effects});
  }
  return machines;
}

std::vector<ClusterNode> Cluster::nodes() const {
  std::vector<ClusterNode> nodes;
  nodes.reserve(places_.size());
  for (const Place& place : places_) nodes.push_back({place.node->id(), place.role, "", ""});
  for (const Machine& machine : machines_) {
    const auto place = std::ranges::find(nodes, machine.node, &ClusterNode::id);
    place->user = machine.user;
    place->daemon = machine.daemon;
  }
  if (monolith_) {
    nodes.front().user = users_.front().id;
    nodes.front().daemon = users_.front().daemons.front();
  }
  return nodes;
}

FaultTargets Cluster::fault_targets() {
  FaultTargets targets;
  for (const Place& place : places_) targets.nodes.push_back({.role = place.role, .node = place.node});
  for (Machine& machine : machines_) {
    for (FaultTargets::Target& target : targets.nodes) {
      if (target.node->id() != machine.node) continue;
      target.user = machine.user;
      target.journal = &machine.machine.journal;
      target.machine = &machine.machine.machine;
      if (plan_.topology.credentials != "given") target.credentials_file = credentials_path(machine.user);
    }
  }
  if (monolith_) {
    targets.nodes.front().user = users_.front().id;
    targets.nodes.front().journal = &monolith_->daemon.journal;
    targets.nodes.front().machine = &monolith_->daemon.machine;
  }
  targets.contents = &contents();
  targets.database = world_.database.get();
  targets.bus = world_.bus.get();
  targets.temporal = world_.temporal.get();
  targets.engine = monolith_ ? &monolith_->temporal : &world_.temporal->file();
  targets.bytes = &world_.bytes;
  if (world_.database) targets.databases.push_back(&world_.database->faults());
  if (world_.temporal) targets.databases.push_back(&world_.temporal->file().faults());
  for (Machine& machine : machines_) targets.databases.push_back(&machine.machine.journal.faults());
  if (monolith_) {
    targets.databases.push_back(&monolith_->data.faults());
    targets.databases.push_back(&monolith_->temporal.faults());
    targets.databases.push_back(&monolith_->daemon.journal.faults());
  }
  return targets;
}

void Cluster::evict_cached_runs() {
  for (const auto& [node, worker] : world_.workers) worker->evict_cached_runs();
}

LiveCounts Cluster::started_by_need() const {
  if (monolith_) return {.registered = 6, .frames = 32};
  const std::size_t boots = world_.control_plane ? world_.control_plane->boots() : 0;
  return {.registered = 6 * boots, .frames = static_cast<std::int64_t>(48 * boots)};  // both sides of a stream, at most
}

std::vector<std::string> Cluster::leaks() {
  std::vector<std::string> leaks;
  const auto expect = [&](std::string_view what, std::size_t found, std::size_t expected) {
    if (found != expected) leaks.push_back(concat(found, " ", what, "; expected: ", expected));
  };
  const auto up = [&](std::string_view role) {
    return static_cast<std::size_t>(
        std::ranges::count_if(places_, [&](const Place& place) { return place.role == role && place.program; }));
  };
  const std::size_t daemons = monolith_ ? 1 : up("daemon") + up("cloud-daemon");
  const std::size_t bus_clients = up("api") + up("worker") + up("gateway") + up("intruder");
  expect("connections between nodes are open", world_.network.connections(), daemons + bus_clients);
  if (world_.bus) {
    expect("clients are on the bus", world_.bus->clients(), bus_clients);
    expect("subscriptions are on the bus", world_.bus->subscriptions(),
           bus_clients + 6 * up("gateway") + 3 * daemons + 3 * up("intruder"));
  }
  if (world_.database) expect("transactions have lost their client", world_.database->abandoned(), 0);
  for (const Machine& machine : machines_) {
    if (machine.machine.machine.running != 0) leaks.push_back(concat("processes run on ", machine.daemon));
  }
  return leaks;
}

}  // namespace reliant::sim

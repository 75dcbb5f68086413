// World: the infrastructure between the nodes of one cluster, and the part of a machine that outlives its processes. The
// composition roots (`*_node.cpp`) make simulated ports out of it.
//
// Owner: the Cluster. Destroyed after every frame of every node.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "auth/secret_source.h"
#include "cluster/bytes.h"
#include "cluster/decorators.h"
#include "faults/byte_faults.h"
#include "kernel/simulation.h"
#include "llm/scripted_provider.h"
#include "runtime/sleep.h"
#include "store/database_clock.h"
#include "world/network.h"
#include "world/sim_bus.h"
#include "world/sim_control_plane.h"
#include "world/sim_database.h"
#include "world/sim_http_server.h"
#include "world/sim_link.h"
#include "world/sim_process.h"
#include "world/sim_temporal.h"

namespace reliant::worker {
class WorkerRole;
}

namespace reliant::sim {

struct World {
  World(Simulation& simulation_, NetworkOptions options, const Decorators& decorators_, DatabaseBeginnings& beginnings_)
      : simulation(simulation_),
        network(simulation_, options),
        links(network),
        web(network),
        decorators(decorators_),
        beginnings(beginnings_) {}

  Simulation& simulation;
  Network network;
  SimLinks links;
  SimWeb web;
  const Decorators& decorators;
  DatabaseBeginnings& beginnings;  // of every database
  // Only in the distributed topology; null in the monolith's.
  std::unique_ptr<DatabaseServer> database;
  std::unique_ptr<SimBusServer> bus;
  std::unique_ptr<TemporalServer> temporal;
  std::unique_ptr<ControlPlaneServer> control_plane;  // null: the topology has no managed daemons

  std::unique_ptr<llm::ScriptedProvider> script;  // of the model; each node with a model has a fresh copy of its own
  ByteFaults bytes;
  std::set<std::uint32_t> started;                       // nodes that have served, in any incarnation
  std::map<std::uint32_t, worker::WorkerRole*> workers;  // by node, while they live
};

// Used by a composition root: registers its worker with the world while it lives.
class KnownWorker {
 public:
  KnownWorker(World& world, const Node& node, worker::WorkerRole& role) : world_(world), node_(node.id()), role_(role) {
    world_.workers[node_] = &role_;
  }
  KnownWorker(const KnownWorker&) = delete;
  KnownWorker& operator=(const KnownWorker&) = delete;
  ~KnownWorker() {
    const auto known = world_.workers.find(node_);  // may be the next incarnation's
    if (known != world_.workers.end() && known->second == &role_) world_.workers.erase(known);
  }

 private:
  World& world_;
  std::uint32_t node_;
  worker::WorkerRole& role_;
};

// Tokens drawn from the seed.
class SimSecrets final : public auth::SecretSource {
 public:
  explicit SimSecrets(Random random) : random_(random) {}
  std::array<std::byte, auth::kTokenBytes> next() override {
    std::array<std::byte, auth::kTokenBytes> secret{};
    for (std::byte& byte : secret) byte = static_cast<std::byte>(random_.below(256));
    return secret;
  }

 private:
  Random random_;
};

// A role's port to the world's control plane; null: there is none.
inline std::unique_ptr<ports::ControlPlane> control_plane_of(World& world, Node& node) {
  if (!world.control_plane) return nullptr;
  return std::make_unique<SimControlPlane>(*world.control_plane, node);
}

// A role's provider: the script's model, behind a proxy with error pages of its own.
inline ByteProvider model_of(World& world, Node& node) {
  return ByteProvider(world.script->afresh(), world.bytes, node.random("provider"), node.log());
}

// The pause of a starting node between two attempts, and the timeout of one attempt.
inline constexpr Duration kStartPause = std::chrono::milliseconds(500);
inline constexpr Duration kStartTimeout = std::chrono::seconds(20);
// The task queue of chat workflows.
inline constexpr std::string_view kTaskQueue = "chats";

// Used by the composition roots: repeats a step of a node's start until it succeeds, as a supervisor restarts a process. The pause is
// of simulated time; there is no event to wait for, since the step fails while another node is away.
template <class Attempt>
Task<void> until_ok(Attempt attempt) {
  while (!(co_await attempt()).ok()) co_await sleep_for(kStartPause);
}

inline Task<void> know_time_of(store::DatabaseClock& clock) {
  co_await until_ok([&clock] { return clock.measure(after(clock.now(), kStartTimeout)); });
}

}  // namespace reliant::sim

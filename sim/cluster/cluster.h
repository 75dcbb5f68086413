// Cluster: a whole system of simulated processes: its infrastructure (database, bus, Temporal), its roles, and its users'
// machines. It creates the initial state (tables, users, tokens), starts every node, and gives faults and oracles access.
//
// Owner: the runner; made after the Simulation. Destroyed after `Simulation::shutdown`, since frames refer to it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "cluster/daemon_node.h"
#include "cluster/decorators.h"
#include "cluster/monolith_node.h"
#include "cluster/topology.h"
#include "cluster/world.h"
#include "faults/fault_engine.h"

namespace reliant::sim {

// The model's script for scenarios without one.
std::string_view default_script();

struct ClusterPlan {
  Topology topology;
  NetworkPlan network;
  std::string script;       // of the model; "" = default_script()
  std::string script_file;  // its origin, for messages
};

struct ClusterUser {
  std::string id;
  std::string token;
  std::string project_path;
  std::vector<std::string> daemons;  // ids
};

struct ClusterMachine {
  std::string daemon;
  std::string user;
  const EffectRecord* effects = nullptr;
};

struct ClusterNode {
  std::uint32_t id = 0;
  std::string role;
  std::string user;    // of a daemon's machine
  std::string daemon;  // its id
};

class Cluster {
 public:
  // INVALID_ARGUMENT: the model's script. `decorators` and `beginnings` outlive the cluster.
  static Result<std::unique_ptr<Cluster>> make(Simulation& simulation, ClusterPlan plan, const Decorators& decorators,
                                               DatabaseBeginnings& beginnings);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Creates the initial state, then starts every node.
  void start();
  // Every node has served.
  bool ready() const { return not_ready().empty(); }
  std::string not_ready() const;

  SimWeb& web() { return world_.web; }
  Network& network() { return world_.network; }
  // The system's store, without network and faults.
  ports::Database& contents();
  const std::vector<ClusterUser>& users() const { return users_; }
  std::vector<std::string> api_addresses() const { return api_addresses_; }
  std::vector<ClusterMachine> machines() const;
  std::vector<ClusterNode> nodes() const;
  FaultTargets fault_targets();
  // At rest, without clients: resources that are open without a reason.
  std::vector<std::string> leaks();
  // Workflow runs that workers cache for their next task; a cached run waits for nothing. A chat that another worker has
  // finished since may be among them.
  void evict_cached_runs();
  // Upper bound of what runs at rest and did not before the first request: the monolith's daemon with its stream (R13), and
  // managed daemons that were resumed.
  LiveCounts started_by_need() const;

 private:
  struct Place {
    std::string role;
    Node* node = nullptr;
    Node::Program program;
    Node::Program after_boot;  // of a suspended machine
  };
  struct Machine {
    Machine(std::string daemon_, std::string user_, Simulation& simulation, Node& of, DatabaseBeginnings& beginnings)
        : called(of.name()),
          daemon(std::move(daemon_)),
          user(std::move(user_)),
          node(of.id()),
          machine(simulation, of, beginnings) {}
    std::string called;  // as its node
    std::string daemon;  // the id; a twin has the id of another machine
    std::string user;
    std::uint32_t node;
    std::string token{};  // of its own, at the start; "": it has none
    DaemonMachine machine;
  };

  Cluster(Simulation& simulation, ClusterPlan plan, std::unique_ptr<llm::ScriptedProvider> script, const Decorators& decorators,
          DatabaseBeginnings& beginnings);
  void make_users();
  void make_infrastructure();
  void make_servers();
  void make_daemons();
  void make_hostile();
  void make_intruders();
  void make_managed();
  void make_credentials(Machine& machine);
  Place& add_daemon(std::string role, std::string name, std::size_t number);
  void add_twin(std::size_t number);
  void make_monolith();
  Node& add(std::string role, std::string name, Node::Program program);
  Task<void> bring_up();
  Task<Status> set_stage();

  Simulation& simulation_;
  ClusterPlan plan_;
  World world_;
  std::vector<ClusterUser> users_;
  std::vector<std::string> hostile_tokens_;  // of one user without chats
  std::vector<std::string> api_addresses_;
  std::vector<std::string> gateway_addresses_;
  std::deque<Place> places_;
  std::deque<SimMachine> server_machines_;  // of the workers
  std::deque<Machine> machines_;            // of the daemons
  std::unique_ptr<MonolithMachine> monolith_;
};

}  // namespace reliant::sim

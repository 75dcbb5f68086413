// The stage of the store's tests in virtual time: a simulated database server, and two processes that have a Store on it
// each. store/postgres/store_stage.h is the same on a real server; the test program chooses one by its include path.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "kernel/simulation.h"
#include "store/store.h"
#include "support/started.h"
#include "world/network.h"
#include "world/sim_database.h"

namespace reliant::tests {

class StoreStage {
 public:
  explicit StoreStage(std::uint64_t seed) : simulation_(seed) {}

  Instant now() { return simulation_.now(); }
  store::Store& store() { return first_.store; }
  store::Store& other_store() { return second_.store; }
  ports::Database& contents() { return server_.contents(); }  // without network and faults
  void run_for(Duration duration) { simulation_.run_for(duration); }
  // Of the first process, against the others.
  void set_wall_offset(Duration offset) { first_.node.clock().set_wall_offset(offset); }
  // The first process cannot reach the server from now on.
  void cut_off() { network_.isolate(first_.node); }

  template <class T>
  std::unique_ptr<Started<T>> start(Task<T> task) {
    return std::make_unique<Started<T>>(first_.node.context(), std::move(task));
  }
  template <class T>
  T await(Started<T>& started) {
    return tests::await(simulation_.executor(), started);
  }

  // Two processes on a database that is still empty.
  struct Fresh {
    explicit Fresh(StoreStage& stage)
        : server(stage.network_, stage.simulation_.add_node("db2")),
          first(server, stage.first_.node),
          second(server, stage.second_.node) {}
    sim::DatabaseServer server;
    sim::SimDatabase first;
    sim::SimDatabase second;
    ports::Database& one() { return first; }
    ports::Database& two() { return second; }
  };
  Clock& clock() { return first_.node.clock(); }

 protected:
  struct Process {
    Process(sim::DatabaseServer& server, sim::Node& life)
        : node(life), database(server, node), store(database, node.clock(), node.random("store")) {}
    sim::Node& node;
    sim::SimDatabase database;
    store::Store store;
  };

  sim::Simulation simulation_;
  sim::Network network_{simulation_};
  sim::DatabaseServer server_{network_, simulation_.add_node("db")};
  Process first_{server_, simulation_.add_node("first")};
  Process second_{server_, simulation_.add_node("second")};
};

}  // namespace reliant::tests

// The worlds of the bus contract in which time is virtual: in process, and simulated.
#pragma once

#include <chrono>
#include <utility>

#include "adapters/memory_bus.h"
#include "kernel/simulation.h"
#include "runtime/scope.h"
#include "world/network.h"
#include "world/sim_bus.h"

namespace reliant::tests {

inline Task<void> marked(Task<void> test, bool& ended) {
  co_await std::move(test);
  ended = true;
}

class MemoryBusWorld {
 public:
  Executor& executor() { return executor_; }
  ports::Bus& one() { return one_; }
  ports::Bus& two() { return two_; }
  bool run(Task<void> test) {
    bool ended = false;
    scope_.spawn(marked(std::move(test), ended));
    executor_.run();
    return ended;
  }

 private:
  Executor executor_{1};
  adapters::MemoryBusServer server_{Random(3)};
  adapters::MemoryBus one_{server_};
  adapters::MemoryBus two_{server_};
  TaskScope scope_{executor_, 0};
};

class SimBusWorld {
 public:
  Executor& executor() { return simulation_.executor(); }
  ports::Bus& one() { return one_; }
  ports::Bus& two() { return two_; }
  bool run(Task<void> test) {
    bool ended = false;
    simulation_.run_until([this] { return one_.connected() && two_.connected(); }, after(simulation_.now(), std::chrono::seconds(1)));
    simulation_.world().spawn(marked(std::move(test), ended));
    simulation_.run_until([&] { return ended; }, after(simulation_.now(), std::chrono::hours(1)));
    return ended && simulation_.failure() == nullptr;
  }

 private:
  sim::Simulation simulation_{7};
  sim::Network network_{simulation_};
  sim::SimBusServer server_{network_, simulation_.add_node("nats")};
  sim::SimBus one_{server_, simulation_.add_node("one")};
  sim::SimBus two_{server_, simulation_.add_node("two")};
};

}  // namespace reliant::tests

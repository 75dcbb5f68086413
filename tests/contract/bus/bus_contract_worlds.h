// The worlds of the bus contract in which time is virtual: in process, and simulated. The third connection, the clock and
// the context are for the contract of the lanes.
#pragma once

#include <chrono>
#include <utility>

#include "adapters/memory/memory_bus.h"
#include "kernel/simulation.h"
#include "runtime/scope.h"
#include "support/started.h"
#include "world/network.h"
#include "world/sim_bus.h"

namespace reliant::tests {

class MemoryBusWorld {
 public:
  static constexpr bool kRealTime = false;
  Executor& executor() { return executor_; }
  Context& context() { return scope_.context(); }
  Clock& clock() { return clock_; }
  ports::Bus& one() { return one_; }
  ports::Bus& two() { return two_; }
  ports::Bus& three() { return three_; }
  bool run(Task<void> test) {
    bool ended = false;
    scope_.spawn(marked(std::move(test), ended));
    const Instant limit = after(executor_.now(), std::chrono::hours(1));
    while (!ended && executor_.now() < limit && executor_.step()) {}
    return ended;
  }

 private:
  Executor executor_{1};
  sim::SimClock clock_{executor_, 0};
  adapters::MemoryBusServer server_{Random(3)};
  adapters::MemoryBus one_{server_};
  adapters::MemoryBus two_{server_};
  adapters::MemoryBus three_{server_};
  TaskScope scope_{executor_, 0};
};

class SimBusWorld {
 public:
  static constexpr bool kRealTime = false;
  Executor& executor() { return simulation_.executor(); }
  Context& context() { return simulation_.world().context(); }
  Clock& clock() { return clock_; }
  ports::Bus& one() { return one_; }
  ports::Bus& two() { return two_; }
  ports::Bus& three() { return three_; }
  bool run(Task<void> test) {
    bool ended = false;
    const auto connected = [this] { return one_.connected() && two_.connected() && three_.connected(); };
    simulation_.run_until(connected, after(simulation_.now(), std::chrono::seconds(1)));
    simulation_.world().spawn(marked(std::move(test), ended));
    simulation_.run_until([&] { return ended; }, after(simulation_.now(), std::chrono::hours(1)));
    return ended && !simulation_.failure().error();
  }

 private:
  sim::Simulation simulation_{7};
  sim::SimClock clock_{simulation_.executor(), 0};
  sim::Network network_{simulation_};
  sim::SimBusServer server_{network_, simulation_.add_node("nats")};
  sim::SimBus one_{server_, simulation_.add_node("one")};
  sim::SimBus two_{server_, simulation_.add_node("two")};
  sim::SimBus three_{server_, simulation_.add_node("three")};
};

}  // namespace reliant::tests

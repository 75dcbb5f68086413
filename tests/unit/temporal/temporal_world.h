// A Temporal cluster, workers and a client on simulated nodes, for tests of workers on virtual time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel/node.h"
#include "kernel/simulation.h"
#include "runtime/sleep.h"
#include "support/run_driver.h"
#include "temporal/worker.h"
#include "temporal/workflow_client.h"
#include "world/network.h"
#include "world/sim_temporal.h"

namespace reliant::tests {

inline constexpr std::string_view kQueue = "work";

// One worker process: its node, and the worker of its present life.
struct WorkerNode {
  sim::Node* node = nullptr;
  temporal::Worker* worker = nullptr;
  temporal::WorkerOptions options;
  std::function<void(temporal::Worker&, sim::Node&)> set_up;
};

class TemporalWorld {
 public:
  explicit TemporalWorld(std::uint64_t seed = 1)
      : simulation(seed),
        network(simulation),
        server(network, simulation.add_node("temporal")),
        client_node(simulation.add_node("client")) {}
  ~TemporalWorld() {
    EXPECT_EQ(simulation.failure().error(), nullptr);
    EXPECT_EQ(simulation.trace().errors(), expected_errors) << "errors in the trace";
    simulation.shutdown();
  }

  // Adds a worker, which starts in its node's life and again in each later one.
  WorkerNode& add_worker(const std::string& name, std::function<void(temporal::Worker&, sim::Node&)> set_up,
                         temporal::WorkerOptions options = {}) {
    auto& added = *workers_.emplace_back(std::make_unique<WorkerNode>());
    added.node = &simulation.add_node(name);
    added.options = std::move(options);
    added.options.task_queue = std::string(kQueue);
    added.options.identity = name;
    added.set_up = std::move(set_up);
    added.node->start([this, &added](sim::Node& node) { return run_worker(*this, added, node); });
    return added;
  }

  // Runs the world until the client's call has ended.
  template <class T>
  T ask(Task<T> task, Duration limit = std::chrono::hours(24)) {
    std::optional<T> answer;
    client_node.spawn(put(std::move(task), answer));
    const bool answered = simulation.run_until([&answer] { return answer.has_value(); }, after(simulation.now(), limit));
    RELIANT_ASSERT(answered, "a call that a test waits for did not end");
    return *std::move(answer);
  }
  template <class Predicate>
  bool until(Predicate predicate, Duration limit = std::chrono::hours(1)) {
    return simulation.run_until(predicate, after(simulation.now(), limit));
  }

  Instant soon() const { return after(simulation.now(), std::chrono::minutes(1)); }
  temporal::StartWorkflow start_of(std::string id, std::string type, std::string input = "") const {
    temporal::StartWorkflow start;
    start.workflow_id = std::move(id);
    start.type = std::move(type);
    start.task_queue = std::string(kQueue);
    start.input = std::move(input);
    return start;
  }
  Result<std::string> run(std::string type, std::string input = "") {
    const auto started = ask(client.start(start_of("workflow", std::move(type), std::move(input)), soon()));
    if (!started.ok()) return started.status();
    return result();
  }
  Result<std::string> result() { return ask(client.result("workflow", "", after(simulation.now(), std::chrono::hours(24)))); }
  Status signal(std::string name, std::string input, std::string request_id = "") {
    temporal::SignalWorkflow signal;
    signal.name = std::move(name);
    signal.input = std::move(input);
    signal.request_id = std::move(request_id);
    return ask(client.signal("workflow", "", std::move(signal), soon()));
  }

  sim::Simulation simulation;
  sim::Network network;
  sim::TemporalServer server;
  sim::Node& client_node;
  sim::SimTemporal client_port{server, client_node};
  temporal::WorkflowClient client{client_port, client_node.clock(), client_node.random("client"),
                                  temporal::WorkflowClientOptions{"default", "client"}};
  std::uint64_t expected_errors = 0;

 private:
  template <class T>
  static Task<void> put(Task<T> task, std::optional<T>& answer) {
    answer.emplace(co_await std::move(task));
  }

  static Task<void> run_worker(TemporalWorld& world, WorkerNode& self, sim::Node& node) {
    sim::SimTemporal port(world.server, node);
    temporal::Worker worker(node.context(), port, node.clock(), node.random("worker"), node.log(), self.options);
    self.set_up(worker, node);
    Status status;
    do {
      status = co_await worker.start(after(world.simulation.now(), std::chrono::minutes(10)));
    } while (!status.ok());
    self.worker = &worker;
    co_await never();
  }

  std::vector<std::unique_ptr<WorkerNode>> workers_;
};

}  // namespace reliant::tests

// The simulated world of the contract suites of HttpServer and HttpClient: two nodes and a network between them.
#pragma once

#include <functional>
#include <string>

#include "kernel/simulation.h"
#include "world/network.h"
#include "world/sim_http_client.h"
#include "world/sim_http_server.h"

namespace reliant::tests {

class SimHttpWorld {
 public:
  Executor& executor() { return simulation_.executor(); }
  TaskScope& scope() { return client_.scope(); }
  ports::HttpServer& server() { return server_; }
  std::string address() const { return "server:0"; }
  std::string scheme() const { return "http"; }
  ports::HttpClient& http() { return http_; }
  bool run_until(const std::function<bool()>& done) {
    return simulation_.run_until(done, after(simulation_.now(), std::chrono::minutes(10)));
  }

  sim::Simulation& simulation() { return simulation_; }
  sim::Network& network() { return network_; }
  sim::Node& server_node() { return machine_; }
  sim::Node& client_node() { return client_; }

 private:
  sim::Simulation simulation_{1};
  sim::Network network_{simulation_};
  sim::SimWeb web_{network_};
  sim::Node& machine_ = simulation_.add_node("server");
  sim::Node& client_ = simulation_.add_node("client");
  sim::SimHttpServer server_{web_, machine_};
  sim::SimHttpClient http_{web_, client_};
};

}  // namespace reliant::tests

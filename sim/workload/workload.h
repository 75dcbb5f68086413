// Workload: all clients of a run: one node for each user, on it the user's chats. The runner starts it when the system has
// warmed up; it is done when every accepted message was answered.
//
// Owner: the runner; made after the SimWeb, destroyed after its nodes were shut down. Executor: the simulation's.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "kernel/simulation.h"
#include "workload/chat_user.h"
#include "workload/workload_plan.h"
#include "world/sim_http_client.h"

namespace reliant::sim {

struct WorkloadUser {
  std::string id;
  std::string token;
  std::string project_path;
  std::vector<std::string> daemons;  // ids
};

class Workload {
 public:
  Workload(Simulation& simulation, SimWeb& web, WorkloadPlan plan, std::vector<WorkloadUser> users,
           std::vector<std::string> api_addresses);
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  void start();
  bool done() const;
  std::size_t unfinished() const;
  // Stops the clients.
  void stop();

  const WorkloadPlan& plan() const { return plan_; }
  // The clients' nodes, by user.
  std::vector<std::pair<std::uint32_t, std::string>> nodes() const;

 private:
  struct Client {
    Node* node;
    WorkloadUser user;
    std::vector<ChatOrder> chats;
  };
  Task<void> run_client(Node& node, const Client& client);
  Task<Result<std::string>> create_project(RestClient& client, const WorkloadUser& user);

  Simulation& simulation_;
  SimWeb& web_;
  WorkloadPlan plan_;
  std::vector<std::string> api_addresses_;
  std::deque<Client> clients_;
  std::deque<ChatProgress> progress_;
  std::size_t next_progress_ = 0;
};

}  // namespace reliant::sim

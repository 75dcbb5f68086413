// ChatUser: one chat of one user, from the first message to the last answer: posts messages (again and again, until some
// replica has accepted them), watches the answers come, loses patience or cancels now and then.
//
// Owner: Workload; its program runs on the client's node. Executor: that node's. What it does it records: "client.…".
#pragma once

#include <cstdint>
#include <string>

#include "kernel/node.h"
#include "runtime/task.h"
#include "workload/rest_client.h"
#include "workload/workload_plan.h"

namespace reliant::sim {

struct ChatOrder {
  std::string user;
  std::string chat;
  std::string project;
  std::string daemon;  // "" = whichever the system takes
  Instant begins{};
};

// What is left to do, seen from outside of the client.
struct ChatProgress {
  std::int64_t accepted = 0;
  bool done = false;  // nothing more will be sent, and all that was accepted has had its end
};

// References outlive it.
Task<void> run_chat(Node& node, ports::HttpClient& http, ApiAccess access, ChatOrder order, const WorkloadPlan& plan,
                    ChatProgress& progress);

}  // namespace reliant::sim

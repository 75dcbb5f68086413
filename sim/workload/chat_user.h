// ChatUser: one chat of one user, from the first message to the last answer: posts messages (retrying until a replica has
// accepted them), follows the answers, and now and then cancels or sends the next message before the answer.
//
// Owner: Workload; its program runs on the client's node. Executor: that node's. It records its actions: "client.…".
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
  std::string daemon;  // "" = the system chooses
  Instant begins{};
};

// The client's progress, for the workload.
struct ChatProgress {
  std::int64_t accepted = 0;
  bool done = false;  // nothing more will be sent, and every accepted message was answered
};

// References outlive it.
Task<void> run_chat(Node& node, ports::HttpClient& http, ApiAccess access, ChatOrder order, const WorkloadPlan& plan,
                    ChatProgress& progress);

}  // namespace reliant::sim

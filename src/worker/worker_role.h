// WorkerRole: runs chat workflows and their activities (R36 to R42): it polls Temporal, calls the model, routes tool calls
// to the user's daemon and writes what clients see. Stateless (R38): any number of them share a task queue.
//
// Owner: the composition root. Executor: the logic thread. Destructible at any time: what it was at is taken up by
// another worker from the last completed activity (R25).
#pragma once

#include <string>

#include "temporal/worker.h"
#include "worker/activities.h"

namespace reliant::worker {

struct WorkerRoleOptions {
  std::string name_space = "default";
  std::string task_queue{workflow::kChatTaskQueue};
  std::string identity;  // shown in histories: "worker-1@host"
};

class WorkerRole {
 public:
  // References outlive it.
  WorkerRole(Context& context, Random random, ports::Temporal& temporal, ActivityPorts ports, WorkerRoleOptions options);

  // NOT_FOUND: the namespace does not exist. UNAVAILABLE: no Temporal until `deadline`; may be called again.
  Task<Status> start(Instant deadline) { return worker_.start(deadline); }
  Task<void> stop(Instant deadline) { return worker_.stop(deadline); }
  // Ends when Temporal has refused this worker for a minute, with the refusal; `stop` is still to be called.
  Task<Status> gave_up() { return worker_.gave_up(); }
  Status health() const { return worker_.health(); }
  // As if memory were short: the next tasks replay.
  void evict_cached_runs() { worker_.evict_all(); }

 private:
  ChatActivities activities_;
  temporal::Worker worker_;  // last: its tasks use the activities
};

}  // namespace reliant::worker

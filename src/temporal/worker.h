// Worker: polls a task queue and runs workflows and activities (R20, R36): the worker of Temporal, over any
// ports::Temporal, external or embedded (C37).
//
// Owner: the worker role. Executor: the logic thread; workflow code runs within single steps of it, on
// executors of its own. Stateless (R38): what it keeps is a cache of runs, which any worker rebuilds from
// history. Failures: a poll that fails is repeated with backoff for ever (UNAVAILABLE is how a frontend says
// good-bye), but not one that the server refuses (NOT_FOUND: the namespace is gone; PERMISSION_DENIED,
// UNAUTHENTICATED: the API key is): after a minute of nothing else the worker gives up. Answers are repeated
// for a minute, then dropped: the server's timeouts bring the task again.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/event_log.h"
#include "base/status.h"
#include "ports/temporal.h"
#include "runtime/clock.h"
#include "runtime/context.h"
#include "runtime/random.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "temporal/activity.h"
#include "temporal/workflow.h"

namespace reliant::temporal {

struct WorkerOptions {
  std::string name_space = "default";
  std::string task_queue;
  std::string identity;  // shown in histories: "<pid>@<host>"

  std::size_t workflow_pollers = 2;  // of the normal queue
  std::size_t sticky_pollers = 2;
  std::size_t activity_pollers = 4;
  std::size_t concurrent_workflow_tasks = 100;
  std::size_t concurrent_activities = 200;
  std::size_t cached_runs = 600;  // 0: nothing is cached, every task replays from the start

  Duration sticky_timeout = std::chrono::seconds(10);  // after that any worker takes the task
  Duration poll_timeout = std::chrono::seconds(70);
  // Heartbeats are sent at 0.8 times an activity's heartbeat timeout, and at least this often: a cancellation
  // comes with their answer.
  Duration heartbeat_at_least = std::chrono::seconds(3);
  Duration cancel_grace = std::chrono::seconds(10);  // for an activity to end by itself when cancelled
};

using WorkflowFactory = std::function<std::unique_ptr<Workflow>()>;

struct WorkflowRegistry {
  std::map<std::string, WorkflowFactory, std::less<>> types;
};

class Worker {
 public:
  // All outlive it. Its tasks run below `context`.
  Worker(Context& context, ports::Temporal& temporal, const Clock& clock, Random random, EventLog& log, WorkerOptions options);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Before `start`.
  void register_workflow(std::string type, WorkflowFactory factory);
  void register_activity(std::string type, ActivityFunction function);

  // Begins to poll. Asks the server what it can do first; an unknown namespace (NOT_FOUND) is an error, a
  // server that is away is waited for until `deadline` (UNAVAILABLE then). May be called again after an
  // error.
  Task<Status> start(Instant deadline);
  // Takes no more tasks, lets running workflow tasks and activities end, and gives up what has not ended at
  // `deadline` (activities receive `kShutdown` half-way). Afterwards nothing of it runs.
  Task<void> stop(Instant deadline);

  // Ends when the worker has given up, with the server's refusal. It polls no more then, what runs goes on,
  // and `stop` is still to be called. A worker is not begun again: its process ends with an error that says
  // what to put right, and the supervisor of the process starts the next one.
  Task<Status> gave_up();

  // For readiness (C35): OK while polls are answered; otherwise the error that they have met for 20 s or
  // more, or at which the worker has given up.
  Status health() const;
  std::size_t running_activities() const;
  std::size_t cached_runs() const;
  // Forgets what is cached, as if memory were short: the next tasks replay. For tests and for an operator.
  void evict_all();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reliant::temporal

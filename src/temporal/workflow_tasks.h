// WorkflowTasks: the half of a worker that runs workflow code. It takes a workflow task, brings its run up to
// date (from the cache, or from the history), runs the code and answers with its commands.
//
// What fails: code and history that do not fit, and faults of the code, are reported to the server once (attempt
// 1), which repeats the task at its timeout; a history that cannot be fetched and an answer that cannot be
// sent drop the task, and the server brings it again.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "ports/temporal.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "temporal/activity_tasks.h"
#include "temporal/poller.h"
#include "temporal/run_cache.h"

namespace reliant::temporal {

class WorkflowTasks {
 public:
  using Polled = ports::wf::PollWorkflowTaskQueueResponse;
  using History = ::temporal::api::history::v1::History;

  // All outlive it. Tasks run in `tasks`. Activities that the server hands over with an answer go to
  // `activities`.
  WorkflowTasks(WorkerCore& core, const WorkflowRegistry& registry, ActivityTasks& activities, TaskScope& tasks);

  Task<void> poll_normal();
  Task<void> poll_sticky();
  // Begins to work on a polled task.
  void take(Polled task, Slot slot);

  // Slots taken: by what runs, by what is about to, and by polls.
  std::size_t taken() const { return slots_.used(); }
  RunCache& cache() { return cache_; }

 private:
  Task<void> work(Polled task, Slot slot);
  // The next task of the same run, when the server gave one with its answer.
  Task<std::optional<Polled>> handle(Polled task);
  Task<Result<std::unique_ptr<WorkflowRun>>> bring_up(const Polled& task);
  // Applies the events of the task, and of its further pages.
  Task<Status> feed(WorkflowRun& run, const Polled& task);
  // The pages from `page_token` on, after `page`, which has been read already.
  Task<Status> fetch(WorkflowRun& run, const Polled& task, std::string page_token, History page);
  static Status apply(WorkflowRun& run, const Polled& task, const History& page);
  Task<std::optional<Polled>> answer(const Polled& task, std::unique_ptr<WorkflowRun> run, std::vector<Command> commands);
  std::vector<Slot> ask_for_activities(ports::wf::RespondWorkflowTaskCompletedRequest& request);
  Task<void> answer_query(const Polled& task, std::unique_ptr<WorkflowRun> run);
  Task<void> refuse(const Polled& task, Status status);
  Result<std::unique_ptr<WorkflowRun>> new_run(const Polled& task) const;

  WorkerCore& core_;
  const WorkflowRegistry& registry_;
  ActivityTasks& activities_;
  TaskScope& tasks_;
  Semaphore slots_;
  Semaphore sticky_slots_;  // all but one of them: runs that this worker knows must not keep new ones from it
  RunCache cache_;
};

}  // namespace reliant::temporal

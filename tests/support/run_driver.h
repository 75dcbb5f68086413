// RunDriver: a live run and the server's side of its history, in step. Every workflow task is kept, with the
// commands that the live run answered, so that a test can replay the history to any point and compare.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/task.h"
#include "support/history_builder.h"
#include "temporal/workflow.h"
#include "temporal/workflow_run.h"

namespace reliant::tests {

using MakeWorkflow = std::function<std::unique_ptr<temporal::Workflow>()>;

// A workflow that is one function.
using WorkflowBody = Task<Result<std::string>> (*)(temporal::WorkflowContext& context, std::string input);
MakeWorkflow workflow_of(WorkflowBody body);

// The commands in a form that tells and compares: "ScheduleActivityTask 1 of type a <input>", "StartTimer 1
// 5s", …
std::vector<std::string> told(const std::vector<Command>& commands);

class RunDriver {
 public:
  explicit RunDriver(MakeWorkflow make, std::string input = "");

  HistoryBuilder& history() { return history_; }
  temporal::WorkflowRun& run() { return *run_; }
  // One workflow task: scheduled, started, answered by the live run, completed. The commands, told.
  std::vector<std::string> task(bool suggest_continue_as_new = false);
  // The same, up to the answer; then the server calls it failed, and the run is built again.
  std::vector<std::string> lost_task();
  // Forgets the live run; the next task replays.
  void evict();

  struct Task {
    std::int64_t started_id = 0;
    std::vector<std::string> commands;
  };
  const std::vector<Task>& tasks() const { return tasks_; }
  // A new run over the history up to and including the start of task `index`, activated there.
  Result<std::vector<std::string>> replay_to(std::size_t index, const MakeWorkflow& make) const;
  // A new run over everything.
  Status replay_all(const MakeWorkflow& make) const;
  Status replay_all() const { return replay_all(make_); }

 private:
  Result<std::vector<Command>> activate();

  MakeWorkflow make_;
  HistoryBuilder history_;
  std::unique_ptr<temporal::WorkflowRun> run_;
  std::vector<Task> tasks_;
};

}  // namespace reliant::tests

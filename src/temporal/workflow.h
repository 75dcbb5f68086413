// The workflow side of Temporal: what deterministic code is written against, and all that it may see.
//
// A workflow is an object per run, whose `run` is an ordinary Task on an executor of the run's own, in order,
// in workflow time. Replaying is running it again over the recorded history and comparing what it asks for:
// so it may depend on nothing but its input, this context and its signals. Waiting is for the context's
// tasks, for events that other coroutines of the run set, and for `all`, `race` and TaskScope over them; a
// timer of the executor (sleep_for, with_deadline, a deadline given to an Event) would not be in the history,
// and fails the workflow task.
//
// Destroying a task of this context that has not ended asks the server to cancel the activity, or cancels the
// timer. Errors of activities are statuses (see failure.h). An exception out of `run` fails the workflow
// task, which the server then repeats: it is a defect to be mended by a new release, not an outcome. Within
// one workflow task signals are delivered first, then everything else in the order of the history.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "runtime/event.h"
#include "runtime/random.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::temporal {

// The server's: an attempt that failed is repeated after initial * factor^n, at most `maximum`.
struct RetryPolicy {
  Duration initial = std::chrono::seconds(1);
  Duration maximum = std::chrono::seconds(100);
  std::int32_t factor = 2;
  std::int32_t maximum_attempts = 0;           // 0: no limit
  std::vector<StatusCode> non_retryable = {};  // besides those that never are (see failure.h)
};

struct ActivityOptions {
  Duration schedule_to_close{};  // over all attempts; zero: no limit
  Duration schedule_to_start{};
  Duration start_to_close{};  // of one attempt; one of the two *_to_close is needed
  Duration heartbeat{};       // silence after which an attempt counts as lost; zero: not watched
  RetryPolicy retry;
  std::string task_queue;  // "": the workflow's
  // Once set, the activity is asked to stop, and its outcome is still awaited: what it managed to do, or
  // CANCELLED. Outlives the task.
  Event* cancel_when = nullptr;
};

struct WorkflowInfo {
  std::string workflow_id;
  std::string run_id;
  std::string first_run_id;  // of the chain of runs that continued as new
  std::string type;
  std::string task_queue;
  std::int32_t attempt = 1;
};

struct Signal {
  std::string name;
  std::string input;  // JSON
};

class WorkflowContext {
 public:
  virtual ~WorkflowContext() = default;

  virtual const WorkflowInfo& info() const = 0;
  virtual WallTime now() const = 0;  // when the current workflow task started
  virtual Random& random() = 0;      // seeded by the run's id
  // True while history is replayed: for logs and metrics only.
  virtual bool replaying() const = 0;
  // Of the history up to now; the server suggests to continue as new when it is long.
  virtual std::int64_t history_length() const = 0;
  virtual bool continue_as_new_suggested() const = 0;

  // Whether this run takes the code of the patch `id`: true for a run that reaches this call now, or reached it with code
  // that knew the patch; false for one that passed it before. The answer is a marker in the history ("core_patch"), so it
  // holds for the life of the run. Code that asks for other commands than before stands behind one, for ever:
  //     if (context.patched("agent-node")) { new code } else { the code of before }
  virtual bool patched(std::string_view id) = 0;

  // JSON in, JSON out. The activity is scheduled when the task starts; ids are "1", "2", … in that order.
  virtual Task<Result<std::string>> execute_activity(std::string type, std::string input, ActivityOptions options) = 0;
  virtual Task<void> sleep(Duration duration) = 0;

  // Signals wait in one inbox, in the order in which they came, until someone takes them: the next one of a
  // name, or the next one of any name.
  virtual Task<std::string> receive_signal(std::string name) = 0;
  virtual std::optional<std::string> try_receive_signal(std::string_view name) = 0;
  virtual Task<Signal> next_signal() = 0;
  virtual std::optional<Signal> try_next_signal() = 0;

  // Set when someone asked for the workflow's cancellation. What to do about it is the workflow's decision;
  // one that then ends with CANCELLED is recorded as cancelled.
  virtual Event& cancel_requested() = 0;

  // `co_return context.continue_as_new(input)`: the run ends and a new one begins with this input.
  virtual Result<std::string> continue_as_new(std::string input) = 0;
};

class Workflow {
 public:
  virtual ~Workflow() = default;
  // Both outlive the task. Its end is the workflow's: an error fails it.
  virtual Task<Result<std::string>> run(WorkflowContext& context, std::string input) = 0;
  // Read-only, between two steps, also after the end of `run`. NOT_FOUND: no such query.
  virtual Result<std::string> query(std::string_view name, std::string_view arguments);
};

}  // namespace reliant::temporal

// WorkflowClient: starts, signals, asks and ends workflows over any ports::Temporal (R19, R57).
//
// Owner: the role that talks to workflows. Executor: the logic thread. Inputs and results are JSON texts
// (payload encoding json/plain). Calls are repeated on codes that a repetition may heal (UNAVAILABLE,
// ABORTED, INTERNAL, …), with backoff, at most nine times and for 10 s or until the deadline; they carry a
// request id, so that a repetition has no second effect. Give your own request id when your own caller may
// repeat the call. Errors are the server's: NOT_FOUND (no such workflow, or it is over), ALREADY_EXISTS
// (start), FAILED_PRECONDITION (not ready for a query), INVALID_ARGUMENT (a query that failed).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "ports/temporal.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "temporal/rpc_caller.h"

namespace reliant::temporal {

struct WorkflowClientOptions {
  std::string name_space = "default";
  std::string identity;  // shown in histories: "api@host"
};

enum class WhenRunning : std::uint8_t { kFail, kUseExisting, kTerminateExisting };  // a run of the same id
enum class WhenClosed : std::uint8_t { kStartAgain, kStartAgainIfFailed, kReject };

struct StartWorkflow {
  std::string workflow_id;
  std::string type;
  std::string task_queue;
  std::string input;        // JSON
  std::string request_id;   // "": drawn
  Duration run_timeout{};   // zero: none
  Duration task_timeout{};  // zero: the server's, 10 s
  WhenRunning when_running = WhenRunning::kFail;
  WhenClosed when_closed = WhenClosed::kStartAgain;
};

struct SignalWorkflow {
  std::string name;
  std::string input;       // JSON
  std::string request_id;  // "": drawn. The server drops a signal whose id it has seen in this run.
};

struct StartedWorkflow {
  std::string run_id;
  bool started = false;  // false: it was running already
};

enum class WorkflowStatus : std::uint8_t {
  kUnknown,
  kRunning,
  kCompleted,
  kFailed,
  kCancelled,
  kTerminated,
  kContinuedAsNew,
  kTimedOut,
};
std::string_view to_string(WorkflowStatus status);

struct PendingActivity {
  std::string activity_id;
  std::string type;
  std::int32_t attempt = 0;
  std::string last_failure;  // message of the attempt before
};

struct WorkflowDescription {
  std::string run_id;
  std::string type;
  WorkflowStatus status = WorkflowStatus::kUnknown;
  std::int64_t history_length = 0;
  std::vector<PendingActivity> pending_activities;
  // Since when, by the server's clock, its oldest task waits for a worker. Nullopt: a worker has a task of it, or none is due.
  std::optional<WallTime> waiting_since;
};

class WorkflowClient {
 public:
  // `temporal` and `clock` outlive it, and it outlives its calls.
  WorkflowClient(ports::Temporal& temporal, const Clock& clock, Random random, WorkflowClientOptions options);

  Task<Result<StartedWorkflow>> start(StartWorkflow start, Instant deadline);
  Task<Result<StartedWorkflow>> signal_with_start(StartWorkflow start, SignalWorkflow signal, Instant deadline);
  // An empty run id means the current run, here and below.
  Task<Status> signal(std::string workflow_id, std::string run_id, SignalWorkflow signal, Instant deadline);
  Task<Status> cancel(std::string workflow_id, std::string run_id, std::string reason, Instant deadline);
  Task<Status> terminate(std::string workflow_id, std::string run_id, std::string reason, Instant deadline);
  // JSON in, JSON out.
  Task<Result<std::string>> query(std::string workflow_id, std::string run_id, std::string name, std::string arguments,
                                  Instant deadline);
  Task<Result<WorkflowDescription>> describe(std::string workflow_id, std::string run_id, Instant deadline);
  // Waits for the end, through runs that continued as new. The workflow's own failure comes as its status;
  // DEADLINE_EXCEEDED: it has not ended by then.
  Task<Result<std::string>> result(std::string workflow_id, std::string run_id, Instant deadline);

 private:
  std::string request_id(std::string given);

  const Clock& clock_;
  Random random_;
  RpcCaller caller_;
  WorkflowClientOptions options_;
};

}  // namespace reliant::temporal

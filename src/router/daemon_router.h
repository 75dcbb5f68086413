// DaemonRouter: how the worker reaches a user's daemon without knowing which gateway holds it (R21, R34, R39).
//
// LocalDaemonRouter calls the gateway of the same process; NatsDaemonRouter goes over the bus (R42, C3, C4). Both give
// the same promise: one request id is run at most once, however often execute() is called with it (C7). So the caller
// recovers from every lost answer by calling again with the same request. One that only reads is recorded nowhere, and may be
// run for each call; its cancel holds only where it is confirmed.
// Owner: the worker's composition root. Executor: the logic thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/tool.h"
#include "model/tool_messages.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::router {

// No gateway answers on a lane on which only the one that holds the daemon ever does.
inline constexpr std::string_view kReasonDaemonSilent = "DAEMON_SILENT";

// Where a running tool's output goes. Chunks are numbered 1, 2, 3 …; after a reconnect they go on where they stopped, or
// say that there is a gap.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual Task<void> on_output(std::uint64_t chunk, std::string data, bool gap) = 0;
  // The highest chunk taken so far, 0 for none: where a repeated execute() goes on.
  virtual std::uint64_t last_chunk() const = 0;
};

// Of execute(): the answer is lost or late. The tool may be running, or its result may be durable: call again with the same id.
inline bool is_unanswered(const Status& status) {
  return is_retryable(status.code()) || status.code() == StatusCode::kDeadlineExceeded ||
         reason_of(status) == kReasonSuperseded;
}

class DaemonRouter {
 public:
  virtual ~DaemonRouter() = default;
  // Runs the tool, or takes up the run that is already going on under this id. An OK result is honest about its outcome
  // (executed, not executed, unknown). Errors: UNAVAILABLE + DAEMON_OFFLINE: no gateway holds the daemon now,
  // and this call has given it nothing; UNAVAILABLE + DAEMON_SILENT: probably none holds it, but it may have been given the
  // request, and the answer may be lost; UNAVAILABLE / DEADLINE_EXCEEDED: the answer is lost or late, the tool may be running: call again with the same id.
  // `sink` outlives the call.
  virtual Task<Result<model::ToolResult>> execute(model::ToolRequest request, OutputSink& sink, Instant deadline) = 0;
  // Idempotent (C9). OK: the daemon has confirmed; the result of execute() tells how it ended.
  virtual Task<Status> cancel(UserId user, DaemonId daemon, RequestId request, Instant deadline);
  // Does any gateway hold the daemon now?
  virtual Task<Result<bool>> online(UserId user, DaemonId daemon, Instant deadline);
  // Any command (R49). OK: the daemon has done it. UNAVAILABLE + DAEMON_OFFLINE: no gateway holds the daemon; UNAVAILABLE /
  // DEADLINE_EXCEEDED: whether it was done is not known, ask again. INVALID_ARGUMENT: not known to the gateway or the daemon.
  virtual Task<Status> command(model::DaemonCommand command, Instant deadline) = 0;
  // The user's daemons that gateways hold now, by id, each once (C19). What no gateway has said in time is left out.
  virtual Task<Result<std::vector<model::HeldDaemon>>> held(UserId user, Instant deadline) = 0;
};

model::DaemonCommand make_command(model::DaemonCommandKind kind, UserId user, DaemonId daemon, RequestId request);
// UNAVAILABLE with reason DAEMON_OFFLINE (C4).
Status daemon_offline(const DaemonId& daemon);

// What a gateway offers to the LocalDaemonRouter of the same process and to the tool bridge: the daemons it holds.
class DaemonSessions {
 public:
  virtual ~DaemonSessions() = default;
  virtual Task<Result<model::ToolResult>> execute(model::ToolRequest request, OutputSink& sink, Instant deadline) = 0;
  // As DaemonRouter::command.
  virtual Task<Status> command(model::DaemonCommand command, Instant deadline) = 0;
  virtual bool holds(const UserId& user, const DaemonId& daemon) const = 0;
  virtual std::vector<model::HeldDaemon> held(const UserId& user) const = 0;  // by id
  // A stream of that epoch was accepted somewhere: an older one here ends (C2).
  virtual void superseded(const UserId& user, const DaemonId& daemon, std::int64_t epoch) = 0;
};

}  // namespace reliant::router

// ToolInvoker: runs the tool of a request, and cuts its output into numbered chunks. These are spooled in the Records, bounded
// for each run: a reader that keeps acknowledging slows the tool down; without one the oldest chunks go first, and the gap
// shows in the numbers.
//
// Owner: the Runner. Executor: the logic thread. Destroying a task of run() ends the tool where it stands, and what it started.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/event_log.h"
#include "daemon/records.h"
#include "daemon/run.h"
#include "runtime/clock.h"
#include "tools/tool.h"

namespace reliant::daemon {

class ToolInvoker {
 public:
  // References outlive it. `on_output` is called for each new chunk.
  ToolInvoker(Clock& clock, EventLog& log, tools::ToolRegistry& tools, Records& records, const RunnerOptions& options,
              std::function<void(const Run&)> on_output);

  void set_user(UserId user) { user_ = std::move(user); }  // as the gateway reported; for the trace

  // Whatever happens is a result: that there is no such tool, that it was cancelled or killed, an exception.
  Task<model::ToolResult> run(std::shared_ptr<Run> run);

 private:
  class SpooledOutput;

  Task<model::ToolResult> run_or_cancel(std::shared_ptr<Run> run);
  Task<model::ToolResult> run_tool(std::shared_ptr<Run> run);
  Task<model::ToolResult> invoke_tool(std::shared_ptr<Run> run);
  void trace_effect(std::string_view name, const Run& run);

  Clock& clock_;
  EventLog& log_;
  tools::ToolRegistry& tools_;
  Records& records_;
  const RunnerOptions& options_;
  std::function<void(const Run&)> on_output_;
  UserId user_;
};

}  // namespace reliant::daemon

// ServerProcess: what the programs monolith, api, worker, gateway and daemon have in common: the logic thread, the clock,
// the log, and an end in order. A first SIGTERM or SIGINT asks the role to stop, within its grace time; what is left after
// that, or when a second one comes, is cut off.
//
// An exception that leaves a task, the life among them, ends the process at once, with a line in the log and on the standard
// error and kInternalError: its other tasks rely on the one that is gone, and a supervisor starts it again.
//
// Owner: the program's main; whatever it makes in its life is destroyed before this. Executor: its own, the logic thread.
// Failures: the log cannot be written; the life's own, which become one line and an exit code.
#pragma once

#include <memory>
#include <string>

#include "adapters/asio/asio_executor.h"
#include "adapters/asio/signals.h"
#include "adapters/posix/json_event_log.h"
#include "adapters/posix/system_clock.h"
#include "app/limited_event_log.h"
#include "app/log_file.h"
#include "app/options.h"
#include "base/status.h"
#include "runtime/event.h"
#include "runtime/failure_handler.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::app {

struct ProcessOptions {
  std::string role;      // in every line of the log
  std::string data_dir;  // made, if need be
  LogOptions log;        // without a file: data_dir/role.log
  Duration grace{};
};

class ServerProcess final : private FailureHandler {
 public:
  static Result<std::unique_ptr<ServerProcess>> open(ProcessOptions options);

  // Runs the role from its start to its end, and returns the exit code: 0 stopped in order, 1 not, 2 a flag was wrong. Does not
  // return after an exception.
  int run(Task<Status> life);

  // Of the life: says to people that it is ready, then waits until it is asked to stop. By when it has to be done.
  Task<Instant> until_asked_to_stop(std::string ready);
  // Of a server that has a connection for each client: says so in the log when the machine allows it few (adapters/process_start.h).
  void warn_about_few_open_files();
  bool stopping() const { return asked_.is_set(); }
  // Of the life, after its roles have stopped. What is left are threads of libraries, which may be in a call to a server that
  // hangs: the process ends at the end of its grace time, though destructors still wait for them. With exit code 0 when the
  // roles had stopped by then; with 1, at once, when they had not and something was cut off.
  void leave_in_time();

  adapters::AsioExecutor& executor() { return executor_; }
  adapters::SystemClock& clock() { return clock_; }
  EventLog& log() { return log_; }
  const RandomStreams& random() const { return random_; }
  Context& context() { return scope_.context(); }

 private:
  ServerProcess(ProcessOptions options, LogFile file);
  Task<void> live(Task<Status> life);
  Task<void> cut_off();
  Task<void> summarise_log();
  [[noreturn]] void uncaught(std::uint32_t node, const std::exception_ptr& error) noexcept override;

  ProcessOptions options_;
  LogFile file_;
  adapters::AsioExecutor executor_;
  adapters::SystemClock clock_;
  adapters::JsonEventLog all_events_;
  LimitedEventLog log_;
  RandomStreams random_;
  adapters::Signals signals_;
  Event asked_;
  Instant deadline_ = kNever;
  int exit_code_ = 0;
  TaskScope scope_;
};

// Before there is a process: the machine's calendar.
WallTime wall_now();

}  // namespace reliant::app

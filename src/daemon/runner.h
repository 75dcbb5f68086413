// Runner: runs the tools that callers request, and keeps their results. Runs belong to the daemon and not to a stream: they
// go on while there is none (C8). A repeated request attaches to its run, or is answered from the journal.
//
// The ToolInvoker runs the tools; the Records hold what is known of requests, their output and their results.
//
// A number of permits bounds how many run at a time. A request that waits for one is not in the journal yet, so its outcome
// can still be "not executed": when it is cancelled, when too many wait (RESOURCE_EXHAUSTED), and after a crash.
//
// Unrecorded requests (model::Durability) take the same way. They are neither accepted nor offered: the result is sent
// once, on the requesting stream, and a caller that misses it retries. A tool that does more than read ends "not executed",
// because nothing would show afterwards that it had been begun.
//
// Owner: the Daemon. Executor: the logic thread. Destroying it ends every run and the processes that it started;
// the next incarnation reports the non-repeatable ones as unknown. No call fails: every accepted request gets a result, which
// is offered until it is acknowledged. A request that the journal can neither record nor look up is not accepted: the caller
// retries it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_log.h"
#include "base/ids.h"
#include "daemon/journal.h"
#include "daemon/records.h"
#include "daemon/run.h"
#include "daemon/tool_invoker.h"
#include "ports/process.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/keyed_mutex.h"
#include "runtime/scope.h"
#include "runtime/semaphore.h"
#include "tools/tool.h"

namespace reliant::daemon {

// Told of what happens, by the Runner's tasks; it may only make notes and wake others.
class RunListener {
 public:
  virtual void on_accepted(const RequestId& id) = 0;
  virtual void on_output(const RequestId& id, std::uint64_t last_chunk) = 0;
  // The result of a recorded request is among the offers; that of another one is there for the stream that asked.
  virtual void on_finished(const RequestId& id, model::Durability durability) = 0;
  virtual void on_cancel_done(const RequestId& id, bool was_running) = 0;

 protected:
  ~RunListener() = default;
};

class Runner {
 public:
  Runner(Context& context, Clock& clock, EventLog& log, tools::ToolRegistry& tools, ports::Processes& processes,
         Journal& journal, RunnerOptions options);
  ~Runner();

  // Opens the journal, ends what the processes of an earlier life that was killed still do, and finds what is to be offered.
  Task<Status> open();

  void set_listener(RunListener* listener) { listener_ = listener; }
  void clear_listener(const RunListener* listener) {
    if (listener_ == listener) listener_ = nullptr;
  }
  void set_user(UserId user) { invoker_.set_user(std::move(user)); }

  void execute(proto::ExecuteTool request);
  // Confirmed when the request has ended. One that does not run is remembered, so that it is not run when it comes.
  void cancel(const RequestId& id, model::Durability durability);
  // Ends the request at once, as a cancel without grace. False: it is not running, and is left alone.
  bool kill(const RequestId& id);
  void acknowledge_output(const RequestId& id, std::uint64_t chunk);
  void acknowledge_result(const RequestId& id);

  Records& records() { return records_; }
  std::size_t running() const { return runs_.size(); }
  // From now on no request is accepted. True: nothing runs any more; false: `deadline` came first.
  Task<bool> finish_all(Instant deadline);

 private:
  Task<Status> end_left_behind(std::vector<RequestId> begun);
  bool take_up(const RequestId& id, Instant reader_seen);
  void tell_accepted(const RequestId& id, model::Durability durability);
  Task<void> serve(std::shared_ptr<Run> run);
  Task<std::optional<Semaphore::Permit>> wait_for_permit(std::shared_ptr<Run> run);
  bool queue_is_full() const { return permits_.waiting() >= options_.max_waiting; }
  Status crowded() const;
  Task<void> leave_queue(std::shared_ptr<Run> run);
  void drop(const Run& run);
  void admitted(Run& run);
  Task<void> not_admitted(std::shared_ptr<Run> run, Status why);
  Task<void> end(std::shared_ptr<Run> run, model::ToolResult result, bool admitted);
  void announce_end(const Run& run);
  Task<void> cancel_absent(RequestId id);

  Clock& clock_;
  EventLog& log_;
  tools::ToolRegistry& tools_;
  ports::Processes& processes_;
  RunnerOptions options_;
  RunListener* listener_ = nullptr;
  bool closed_ = false;
  Semaphore permits_;  // to run a tool
  Records records_;
  ToolInvoker invoker_;
  std::map<RequestId, std::shared_ptr<Run>> runs_;
  KeyedMutex<RequestId> refusals_;  // held while a request is written down as not to be run
  Event a_run_ended_;
  TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace reliant::daemon

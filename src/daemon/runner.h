// Runner: runs tools for whoever asks, and answers for them. Runs belong to the daemon and not to a stream:
// they go on while there is none (C8). A request that comes again attaches to its run, or is answered from
// the journal.
//
// Output is cut into numbered chunks and spooled in the journal, bounded for each run. A reader that keeps
// acknowledging slows the tool down; without one the oldest chunks go first, and the gap shows in the
// numbers. What a run wrote can be read again until its result is acknowledged.
//
// A number of permits bounds how many run at a time. A request that waits for one is not in the journal yet, because it may
// still be said of it that it was not executed: when it is cancelled, when too many wait (RESOURCE_EXHAUSTED), and after a crash.
//
// Unrecorded requests go another way: they only read, so the journal never hears of them (daemon/reads.h). They are not
// accepted and not offered: who has asked on the stream of now is told once, and who misses that asks again. A tool that does
// more than read here is not run so: it ends "not executed", because nobody would know afterwards that it had been begun.
//
// Owner: the Daemon. Executor: the logic thread. Destroying it ends every run where it stands, and what they
// started with them; the next life of the daemon calls those that may not be repeated unknown. No call fails:
// every request that was accepted gets a result, which is offered until it is acknowledged. One that the journal
// can neither take nor look up is not accepted: whoever wants it asks again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/event_log.h"
#include "base/ids.h"
#include "daemon/journal.h"
#include "daemon/reads.h"
#include "model/tool.h"
#include "ports/process.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/keyed_mutex.h"
#include "runtime/scope.h"
#include "runtime/semaphore.h"
#include "tools/tool.h"

namespace reliant::daemon {

namespace proto = ::reliant::tools::v1;

// Told of what happens, by the Runner's tasks; it may only make notes and wake others.
class RunListener {
 public:
  virtual void on_accepted(const RequestId& id) = 0;
  virtual void on_output(const RequestId& id, std::uint64_t last_chunk) = 0;
  virtual void on_finished(const RequestId& id) = 0;  // its result is among the offers
  virtual void on_read(const RequestId& id) = 0;      // unrecorded: its result is there for who has asked
  virtual void on_cancel_done(const RequestId& id, bool was_running) = 0;

 protected:
  ~RunListener() = default;
};

struct RunnerOptions {
  DaemonId daemon;
  std::string working_directory;        // absolute, for requests that name none
  std::size_t chunk_size = 32 * 1024;   // bytes of output in one frame, far below any payload limit (C42)
  std::size_t spool_limit = 4 << 20;    // bytes of output kept for one run
  std::size_t content_limit = 1 << 20;  // bytes of a result
  std::size_t max_running = 32;         // tools at a time
  std::size_t max_waiting = 256;        // for a permit to run; more are refused
};

class Runner {
 public:
  // How long the journal may take: until then a hiccup of the disk is waited out.
  static constexpr Duration kPatience = std::chrono::seconds(30);

  Runner(Context& context, Clock& clock, EventLog& log, tools::ToolRegistry& tools, ports::Processes& processes,
         Journal& journal, RunnerOptions options);
  ~Runner();

  // Opens the journal, ends what the processes of an earlier life that was killed still do, and finds what is to be offered.
  Task<Status> open();

  void set_listener(RunListener* listener) { listener_ = listener; }
  void clear_listener(const RunListener* listener) {
    if (listener_ == listener) listener_ = nullptr;
  }
  void set_user(UserId user) { user_ = std::move(user); }  // as the gateway has told; for the trace

  void execute(proto::ExecuteTool request);
  void cancel(RequestId id);
  // As cancel, of a request that no row knows of: where it does not run, it is confirmed at once, and remembered.
  void cancel_unrecorded(const RequestId& id);
  // Ends the request at once, as a cancel without grace. False: it is not running, and is left alone.
  bool kill(const RequestId& id);
  void acknowledge_output(const RequestId& id, std::uint64_t chunk);
  void acknowledge_result(RequestId id);

  const std::string& journal_id() const { return journal_.id(); }
  // Finished and not acknowledged.
  const std::set<RequestId>& offers() const { return offers_; }
  // Nullopt: the journal cannot be read now, or has no such result.
  Task<std::optional<model::ToolResult>> result(RequestId id);
  // Of an unrecorded request. Nullptr: it has been forgotten.
  const model::ToolResult* read_result(const RequestId& id) { return reads_.result(id); }
  Task<std::optional<OutputChunk>> output_after(RequestId id, std::uint64_t chunk);

  std::size_t running() const { return runs_.size(); }
  // From now on no request is accepted. True: nothing runs any more; false: `deadline` came first.
  Task<bool> finish_all(Instant deadline);
  Task<void> prune_for_ever();

 private:
  struct Run;
  class SpooledOutput;

  Task<Status> end_left_behind(std::vector<RequestId> begun);
  bool take_up(const RequestId& id, Instant reader_seen);
  Task<void> run(std::shared_ptr<Run> run);
  Task<void> read(std::shared_ptr<Run> run);
  Task<model::ToolResult> read_with_permit(std::shared_ptr<Run> run);
  void end_read(const Run& run, model::ToolResult result);
  Task<std::optional<Semaphore::Permit>> wait_for_permit(std::shared_ptr<Run> run);
  bool queue_is_full() const { return permits_.waiting() >= options_.max_waiting; }
  Status crowded() const;
  Task<model::ToolResult> run_tool(std::shared_ptr<Run> run);
  Task<model::ToolResult> invoke_tool(std::shared_ptr<Run> run);
  Task<model::ToolResult> run_or_cancel(std::shared_ptr<Run> run);
  Task<bool> has_ended(RequestId id);
  Task<void> leave_queue(std::shared_ptr<Run> run);
  void drop(const Run& run);
  Task<void> admit_and_run(std::shared_ptr<Run> run);
  Task<void> not_admitted(std::shared_ptr<Run> run, Status why);
  Task<void> record_end(std::shared_ptr<Run> run, model::ToolResult result, bool journaled);
  void keep_unsent(const RequestId& id, model::ToolResult result);
  void forget_unsent(const RequestId& id);
  void announce_end(const Run& run);
  void trace_effect(std::string_view name, const Run& run);
  Task<void> cancel_absent(RequestId id);
  Task<void> record_acknowledgement(RequestId id);
  Instant soon() const { return after(clock_.now(), kPatience); }

  Clock& clock_;
  EventLog& log_;
  tools::ToolRegistry& tools_;
  ports::Processes& processes_;
  Journal& journal_;
  RunnerOptions options_;
  RunListener* listener_ = nullptr;
  UserId user_;
  bool closed_ = false;
  Semaphore permits_;  // to run a tool
  Reads reads_;
  std::map<RequestId, std::shared_ptr<Run>> runs_;
  std::set<RequestId> offers_;
  KeyedMutex<RequestId> refusals_;                  // held while a request is written down as not to be run
  std::map<RequestId, model::ToolResult> unsaved_;  // results that the journal would not take
  // Results that are not acknowledged: to send one, the journal need not be read. At most kUnsentBytes of
  // content.
  std::map<RequestId, model::ToolResult> unsent_;
  std::size_t unsent_bytes_ = 0;
  Event a_run_ended_;
  TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace reliant::daemon

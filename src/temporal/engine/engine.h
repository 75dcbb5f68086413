// Engine: the server side of ports::Temporal over a database of its own (R5, R11, C37): histories, workflow and activity
// task queues, timers, retries, queries, as a Temporal server serves them.
//
// A run is a pure state machine (mutable_state.h). An RPC, or a due timer, locks one workflow id, changes its run, and
// hands the change to the committer, which writes the changes of many runs in one transaction; the reply comes after the
// commit, and nothing is visible before it. Task queues are in memory only and are rebuilt from the runs by `start`.
// Its time is the machine's calendar, but never goes back: what is due is stored as a point in time, and a calendar that
// was set back, also while the engine was down, must not put it off. So the database has how far it had come, to a second
// while things change and to a minute while timers only wait; after a restart it goes on from there, at the steady clock's
// pace, until the calendar has caught up (how long it was down is not known then, and does not count). A calendar that
// is ahead is followed: timers that fell into what it skipped are due, as after a night's sleep. An engine without a timer
// writes nothing while nothing happens; after a restart with a calendar that was set back it may go on from its last change,
// hours behind what it was. No client can observe it: every point in time that it stores or gives out comes with a change (an
// event, a task that is handed out, the closing of a run), and with that the time of the change. Only a retention is longer then.
//
// Owner: EmbeddedTemporal, or a simulated server node. Executor: the logic thread; no other process writes its tables.
// Failures: those of the port. After a lost commit it reads the run again before anything else happens to it. Destroying
// an RPC's frame never loses what it had submitted. Closed runs are listed, and can be read, until the retention is over or
// they are deleted. No updates, cron, schedules or Nexus: a workflow task that asks for one
// fails, naming the command.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_log.h"
#include "ports/database.h"
#include "ports/temporal.h"
#include "runtime/clock.h"
#include "runtime/context.h"
#include "runtime/random.h"

namespace reliant::temporal::engine {

// The limits of the real server (`long_poll` and so on are its defaults).
struct EngineOptions {
  std::vector<std::string> namespaces = {"default", "reliant"};
  Duration long_poll = std::chrono::seconds(60);
  Duration history_long_poll = std::chrono::seconds(20);
  Duration query_timeout = std::chrono::seconds(10);  // of one with no nearer deadline
  Duration retention = std::chrono::hours(72);        // how long a closed run is kept
  std::size_t cached_workflows = 1000;
  std::size_t history_page_events = 256;
  std::size_t history_page_bytes = 2u << 20;
};

class Engine final : public ports::Temporal {
 public:
  // Everything referred to outlives the engine. Until `start` has succeeded, calls wait.
  Engine(Context& context, const Clock& clock, Random random, EventLog& log, ports::Database& database,
         EngineOptions options = {});
  ~Engine() override;

  // Makes the tables and rebuilds task queues and timers. May be called again after an error.
  Task<Status> start(Instant deadline);

#define RELIANT_ENGINE_METHOD(name, Name) \
  Task<Result<ports::wf::Name##Response>> name(ports::wf::Name##Request request, Instant deadline) override;
  RELIANT_TEMPORAL_METHODS(RELIANT_ENGINE_METHOD)
#undef RELIANT_ENGINE_METHOD

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reliant::temporal::engine

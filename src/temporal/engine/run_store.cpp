#include "temporal/engine/run_store.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "temporal/engine/visibility_store.h"

namespace reliant::temporal::engine {

namespace {

// `state` is rewritten by every transaction, `started` (with the workflow's input) never. Timers have no table: the
// earliest one of a run is next_timer, the others follow from its state.
constexpr std::string_view kSchema = R"sql(
CREATE TABLE IF NOT EXISTS engine_workflows (
  namespace TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  PRIMARY KEY (namespace, workflow_id)
);
CREATE TABLE IF NOT EXISTS engine_runs (
  run_id TEXT NOT NULL PRIMARY KEY,
  namespace TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  status BIGINT NOT NULL,
  next_timer BIGINT NOT NULL,
  waiting BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  started BYTEA NOT NULL,
  state BYTEA NOT NULL
);
CREATE INDEX IF NOT EXISTS engine_runs_open ON engine_runs (run_id) WHERE status = 1;
CREATE INDEX IF NOT EXISTS engine_runs_owing ON engine_runs (run_id) WHERE status <> 1 AND waiting = 1;
CREATE INDEX IF NOT EXISTS engine_runs_closed ON engine_runs (closed_at) WHERE status <> 1;
CREATE TABLE IF NOT EXISTS engine_history (
  run_id TEXT NOT NULL,
  first_event_id BIGINT NOT NULL,
  events BYTEA NOT NULL,
  PRIMARY KEY (run_id, first_event_id)
);
CREATE TABLE IF NOT EXISTS engine_clock (
  id BIGINT NOT NULL PRIMARY KEY,
  time BIGINT NOT NULL
);
)sql";

ports::Blob blob(const google::protobuf::MessageLite& message) { return {serialize(message)}; }

Result<std::unique_ptr<Run>> decode(const ports::Row& row, std::size_t started_column, std::size_t state_column) {
  pb::RunState state;
  StartedAttributes started;
  if (!started.ParseFromString(row.bytes(started_column)) || !state.ParseFromString(row.bytes(state_column))) {
    return data_loss("the engine cannot read the state of run ", row.text(0));
  }
  return std::make_unique<Run>(std::move(state), std::move(started));
}

void append_history(const Run& run, const Run::Changes& finished, std::vector<Write>& writes) {
  if (finished.events->events_size() == 0) return;
  writes.push_back({"INSERT INTO engine_history (run_id, first_event_id, events) VALUES ($1, $2, $3)",
                    {run.run_id(), finished.events->events(0).event_id(), blob(*finished.events)}});
}

ports::Blob state_blob(Run& run) {
  ports::Blob bytes = blob(run.state());
  run.note_state_bytes(bytes.bytes.size());
  return bytes;
}

// For a poller, to be delivered, or to be removed.
std::int64_t waiting(const Run& run) {
  if (run.next_delivery() != nullptr || run.state().deletion_requested()) return 1;
  return run.running() && !run.pending_dispatches().empty() ? 1 : 0;
}

}  // namespace

Task<Status> RunStore::migrate(Instant deadline) {
  CO_TRY_OK(co_await database_.run_script(kSchema, deadline));
  co_return co_await database_.run_script(VisibilityStore::kSchema, deadline);
}

Task<Result<ports::Rows>> RunStore::read(std::string_view sql, ports::Values parameters, Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(ports::Access::kRead, deadline));
  co_return co_await transaction->execute(sql, std::move(parameters));
}

Task<Result<std::int64_t>> RunStore::time_reached(Instant deadline) {
  CO_TRY_ASSIGN(const ports::Rows rows, co_await read("SELECT time FROM engine_clock WHERE id = 1", {}, deadline));
  co_return rows.empty() ? 0 : rows[0].integer(0);
}

Task<Status> RunStore::keep_time(std::int64_t now, Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(ports::Access::kWrite, deadline));
  Write write = time_write(now);
  CO_TRY_OK((co_await transaction->execute(write.sql, std::move(write.values))).status());
  co_return co_await transaction->commit();
}

Write RunStore::time_write(std::int64_t now) {
  return {
      "INSERT INTO engine_clock (id, time) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET time = excluded.time "
      "WHERE excluded.time > engine_clock.time",
      {now}};
}

Task<Result<std::optional<std::string>>> RunStore::current_run(std::string ns, std::string workflow_id, Instant deadline) {
  CO_TRY_ASSIGN(const ports::Rows rows,
                co_await read("SELECT run_id FROM engine_workflows WHERE namespace = $1 AND workflow_id = $2",
                              {std::move(ns), std::move(workflow_id)}, deadline));
  if (rows.empty()) co_return std::optional<std::string>();
  co_return std::optional<std::string>(rows[0].text(0));
}

Task<Result<std::unique_ptr<Run>>> RunStore::load(std::string run_id, Instant deadline) {
  CO_TRY_ASSIGN(const ports::Rows rows, co_await read("SELECT run_id, started, state FROM engine_runs WHERE run_id = $1",
                                                      {std::move(run_id)}, deadline));
  if (rows.empty()) co_return std::unique_ptr<Run>();
  co_return decode(rows[0], 1, 2);
}

// Rows are read as far as `bytes` go, and at least one: a row has all events of a transaction, and may be large.
Task<Result<ports::Rows>> RunStore::read_batches(std::string run_id, std::int64_t event_id, Direction direction,
                                                 std::size_t bytes, Instant deadline) {
  const bool forwards = direction == Direction::kForwards;
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(ports::Access::kRead, deadline));
  CO_TRY_ASSIGN(const ports::Rows sizes,
                co_await transaction->execute(
                    forwards ? "SELECT first_event_id, LENGTH(events) FROM engine_history WHERE run_id = $1 AND "
                               "first_event_id >= COALESCE((SELECT MAX(first_event_id) FROM engine_history WHERE "
                               "run_id = $1 AND first_event_id <= $2), 0) ORDER BY first_event_id LIMIT 300"
                             : "SELECT first_event_id, LENGTH(events) FROM engine_history WHERE run_id = $1 AND "
                               "first_event_id <= $2 ORDER BY first_event_id DESC LIMIT 300",
                    {run_id, event_id}));
  if (sizes.empty()) co_return ports::Rows();
  std::size_t last = 0;
  for (std::size_t sum = 0; last + 1 < sizes.size(); ++last) {
    sum += static_cast<std::size_t>(sizes[last].integer(1));
    if (sum >= bytes) break;
  }
  const std::int64_t from = sizes[0].integer(0);
  const std::int64_t to = sizes[last].integer(0);
  co_return co_await transaction->execute(
      forwards ? "SELECT first_event_id, events FROM engine_history WHERE run_id = $1 AND first_event_id BETWEEN $2 AND $3 "
                 "ORDER BY first_event_id"
               : "SELECT first_event_id, events FROM engine_history WHERE run_id = $1 AND first_event_id BETWEEN $3 AND $2 "
                 "ORDER BY first_event_id DESC",
      {run_id, from, to});
}

Task<Result<RunStore::Page>> RunStore::read_history(std::string run_id, std::int64_t from, std::int64_t to, PageLimit limit,
                                                    Instant deadline) {
  Page page;
  std::size_t bytes = 0;
  std::int64_t next = from;
  for (;;) {
    CO_TRY_ASSIGN(const ports::Rows rows, co_await read_batches(run_id, next, Direction::kForwards, limit.bytes, deadline));
    const std::int64_t before = next;
    for (const ports::Row row : rows) {
      api::history::v1::History batch;
      if (!batch.ParseFromString(row.bytes(1))) co_return data_loss("the engine cannot read the history of ", run_id);
      for (HistoryEvent& event : *batch.mutable_events()) {
        if (event.event_id() < next) continue;
        if (to > 0 && event.event_id() > to) co_return page;
        const std::size_t size = event.ByteSizeLong();
        if (!page.events.empty() && (page.events.size() >= limit.events || bytes + size > limit.bytes)) {
          page.next_event_id = next;
          co_return page;
        }
        bytes += size;
        next = event.event_id() + 1;
        page.events.push_back(std::move(event));
      }
    }
    if (next == before || (to > 0 && next > to)) co_return page;
  }
}

Task<Result<RunStore::Page>> RunStore::read_history_backwards(std::string run_id, std::int64_t from, PageLimit limit,
                                                              Instant deadline) {
  Page page;
  std::size_t bytes = 0;
  std::int64_t next = from;
  while (next > 0) {
    CO_TRY_ASSIGN(const ports::Rows rows, co_await read_batches(run_id, next, Direction::kBackwards, limit.bytes, deadline));
    if (rows.empty()) co_return page;
    for (const ports::Row row : rows) {
      api::history::v1::History batch;
      if (!batch.ParseFromString(row.bytes(1))) co_return data_loss("the engine cannot read the history of ", run_id);
      for (int i = batch.events_size() - 1; i >= 0; --i) {
        HistoryEvent& event = *batch.mutable_events(i);
        if (event.event_id() > next) continue;
        const std::size_t size = event.ByteSizeLong();
        if (!page.events.empty() && (page.events.size() >= limit.events || bytes + size > limit.bytes)) {
          page.next_event_id = next;
          co_return page;
        }
        bytes += size;
        next = event.event_id() - 1;
        page.events.push_back(std::move(event));
      }
    }
  }
  co_return page;
}

Task<Result<RunStore::Unfinished>> RunStore::unfinished(Instant deadline) {
  Unfinished found;
  CO_TRY_ASSIGN(const ports::Rows armed, co_await read("SELECT run_id, namespace, workflow_id, next_timer FROM engine_runs "
                                                       "WHERE status = 1 AND next_timer > 0 ORDER BY run_id",
                                                       {}, deadline));
  for (const ports::Row row : armed) {
    found.timers.push_back({row.text(1), row.text(2), row.text(0), row.integer(3)});
  }
  for (const std::string_view sql :
       {"SELECT run_id, started, state FROM engine_runs WHERE status = 1 AND waiting = 1 ORDER BY run_id",
        "SELECT run_id, started, state FROM engine_runs WHERE status <> 1 AND waiting = 1 ORDER BY run_id"}) {
    CO_TRY_ASSIGN(const ports::Rows waiting, co_await read(sql, {}, deadline));
    for (const ports::Row row : waiting) {
      CO_TRY_ASSIGN(auto run, decode(row, 1, 2));
      found.waiting.push_back(std::move(run));
    }
  }
  co_return found;
}

Task<Result<std::vector<RunStore::Closed>>> RunStore::closed_before(std::int64_t time, Instant deadline) {
  CO_TRY_ASSIGN(const ports::Rows rows, co_await read("SELECT run_id, namespace, workflow_id FROM engine_runs "
                                                      "WHERE status <> 1 AND closed_at < $1 ORDER BY closed_at LIMIT 50",
                                                      {time}, deadline));
  std::vector<Closed> found;
  for (const ports::Row row : rows) found.push_back({row.text(1), row.text(2), row.text(0)});
  co_return found;
}

void RunStore::insert(Run& run, const Run::Changes& finished, std::vector<Write>& writes) {
  const pb::RunState& state = run.state();
  writes.push_back(
      {"INSERT INTO engine_runs (run_id, namespace, workflow_id, version, status, next_timer, waiting, "
       "closed_at, started, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
       {run.run_id(), state.namespace_(), state.workflow_id(), state.version(), static_cast<std::int64_t>(state.status()),
        run.next_timer(), waiting(run), state.close_time(), blob(run.started()), state_blob(run)}});
  writes.push_back(
      {"INSERT INTO engine_workflows (namespace, workflow_id, run_id) VALUES ($1, $2, $3) "
       "ON CONFLICT (namespace, workflow_id) DO UPDATE SET run_id = excluded.run_id",
       {state.namespace_(), state.workflow_id(), run.run_id()}});
  VisibilityStore::insert(run, writes);
  append_history(run, finished, writes);
}

void RunStore::update(Run& run, const Run::Changes& finished, std::vector<Write>& writes) {
  const pb::RunState& state = run.state();
  if (run.running()) {  // the columns of the indexes stay as they are
    if (finished.visible_changed) VisibilityStore::change(run, writes);
    writes.push_back({"UPDATE engine_runs SET version = $2, next_timer = $3, waiting = $4, state = $5 WHERE run_id = $1",
                      {run.run_id(), state.version(), run.next_timer(), waiting(run), state_blob(run)}});
    return append_history(run, finished, writes);
  }
  writes.push_back(
      {"UPDATE engine_runs SET version = $2, status = $3, next_timer = $4, waiting = $5, closed_at = $6, "
       "state = $7 WHERE run_id = $1",
       {run.run_id(), state.version(), static_cast<std::int64_t>(state.status()), run.next_timer(), waiting(run),
        state.close_time(), state_blob(run)}});
  if (finished.closed) VisibilityStore::close(run, writes);
  append_history(run, finished, writes);
}

void RunStore::remove(const Run& run, std::vector<Write>& writes) {
  writes.push_back({"DELETE FROM engine_history WHERE run_id = $1", {run.run_id()}});
  writes.push_back({"DELETE FROM engine_runs WHERE run_id = $1", {run.run_id()}});
  VisibilityStore::remove(run, writes);
  writes.push_back({"DELETE FROM engine_workflows WHERE namespace = $1 AND workflow_id = $2 AND run_id = $3",
                    {run.state().namespace_(), run.state().workflow_id(), run.run_id()}});
}

}  // namespace reliant::temporal::engine

#include "temporal/engine/visibility_store.h"

#include <utility>

#include "base/text.h"
#include "temporal/engine/description.h"

namespace reliant::temporal::engine {

namespace {

constexpr std::int64_t kVersionWithVisibility = 2;

ports::Blob info_of(const Run& run) {
  api::workflow::v1::WorkflowExecutionInfo info;
  describe(run, info);
  if (run.running()) {  // the row is not written again with each event
    info.clear_history_length();
    info.clear_history_size_bytes();
    info.clear_state_transition_count();
  }
  return {serialize(info)};
}

std::int64_t closed_at(const Run& run) { return run.running() ? kNotClosed : run.state().close_time(); }

}  // namespace

constexpr std::string_view VisibilityStore::kSchema = R"sql(
CREATE TABLE IF NOT EXISTS engine_visibility (
  namespace TEXT NOT NULL,
  closed_at BIGINT NOT NULL,
  start_time BIGINT NOT NULL,
  run_id TEXT NOT NULL,
  execution_time BIGINT NOT NULL,
  status BIGINT NOT NULL,
  workflow_id TEXT NOT NULL,
  workflow_type TEXT NOT NULL,
  task_queue TEXT NOT NULL,
  info BYTEA NOT NULL,
  PRIMARY KEY (namespace, closed_at, start_time, run_id)
);
CREATE TABLE IF NOT EXISTS engine_schema (
  id BIGINT NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  filled TEXT NOT NULL
);
)sql";

VisibleRun before_all() {
  VisibleRun run;
  run.closed_at = kNotClosed;
  run.start_time = INT64_MAX;
  return run;
}

Task<Result<bool>> VisibilityStore::fill(Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(ports::Access::kWrite, deadline));
  CO_TRY_ASSIGN(const ports::Rows schema,
                co_await transaction->execute("SELECT version, filled FROM engine_schema WHERE id = 1", {}));
  if (!schema.empty() && schema[0].integer(0) >= kVersionWithVisibility) co_return true;
  CO_TRY_ASSIGN(const ports::Rows rows,
                co_await transaction->execute("SELECT run_id, started, state FROM engine_runs WHERE run_id > $1 "
                                              "ORDER BY run_id LIMIT 20",
                                              {schema.empty() ? std::string() : schema[0].text(1)}));
  std::vector<Write> writes;
  std::string last;
  for (const ports::Row row : rows) {
    pb::RunState state;
    StartedAttributes started;
    if (!started.ParseFromString(row.bytes(1)) || !state.ParseFromString(row.bytes(2))) {
      co_return data_loss("the engine cannot read the state of run ", row.text(0));
    }
    last = row.text(0);
    insert(Run(std::move(state), std::move(started)), writes);
  }
  writes.push_back(
      {"INSERT INTO engine_schema (id, version, filled) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET "
       "version = excluded.version, filled = excluded.filled",
       {rows.empty() ? kVersionWithVisibility : kVersionWithVisibility - 1, last}});
  for (Write& write : writes) CO_TRY_OK((co_await transaction->execute(write.sql, std::move(write.values))).status());
  CO_TRY_OK(co_await transaction->commit());
  co_return rows.empty();
}

Task<Result<std::vector<VisibleRun>>> VisibilityStore::read(std::string ns, VisibleRun after, Which which, Instant deadline) {
  constexpr std::string_view kSelect =
      "SELECT closed_at, start_time, run_id, execution_time, status, workflow_id, workflow_type, task_queue "
      "FROM engine_visibility WHERE namespace = $1 AND (closed_at, start_time, run_id) < ($2, $3, $4) AND closed_at >= $5 "
      "ORDER BY closed_at DESC, start_time DESC, run_id DESC LIMIT 200";
  if (which == Which::kClosed && after.closed_at == kNotClosed) {
    after.closed_at = kNotClosed - 1;
    after.start_time = INT64_MAX;
  }
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(ports::Access::kRead, deadline));
  CO_TRY_ASSIGN(const ports::Rows rows,
                co_await transaction->execute(kSelect, {std::move(ns), after.closed_at, after.start_time, after.run_id,
                                                        which == Which::kRunning ? kNotClosed : INT64_MIN}));
  std::vector<VisibleRun> found;
  found.reserve(rows.size());
  for (const ports::Row row : rows) {
    found.push_back({.run_id = row.text(2),
                     .workflow_id = row.text(5),
                     .workflow_type = row.text(6),
                     .task_queue = row.text(7),
                     .status = row.integer(4),
                     .start_time = row.integer(1),
                     .execution_time = row.integer(3),
                     .closed_at = row.integer(0)});
  }
  co_return found;
}

Task<Result<VisibilityStore::Shown>> VisibilityStore::show(std::string ns, std::vector<VisibleRun> runs, std::size_t bytes,
                                                           Instant deadline) {
  Shown shown;
  if (runs.empty()) co_return shown;
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(ports::Access::kRead, deadline));
  std::size_t sum = 0;
  for (const VisibleRun& run : runs) {
    CO_TRY_ASSIGN(const ports::Rows rows,
                  co_await transaction->execute("SELECT info FROM engine_visibility WHERE namespace = $1 AND closed_at = $2 "
                                                "AND start_time = $3 AND run_id = $4",
                                                {ns, run.closed_at, run.start_time, run.run_id}));
    if (!rows.empty()) {
      const std::string& info = rows[0].bytes(0);
      if (!shown.executions.empty() && sum + info.size() > bytes) co_return shown;
      sum += info.size();
      if (!shown.executions.emplace_back().ParseFromString(info)) {
        co_return data_loss("the engine cannot read what is shown of run ", run.run_id);
      }
    }
    ++shown.read;
  }
  co_return shown;
}

void VisibilityStore::insert(const Run& run, std::vector<Write>& writes) {
  const pb::RunState& state = run.state();
  writes.push_back(
      {"INSERT INTO engine_visibility (namespace, closed_at, start_time, run_id, execution_time, status, "
       "workflow_id, workflow_type, task_queue, info) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
       "ON CONFLICT (namespace, closed_at, start_time, run_id) DO NOTHING",
       {state.namespace_(), closed_at(run), state.start_time(), run.run_id(),
        state.start_time() + nanos(run.started().first_workflow_task_backoff()), static_cast<std::int64_t>(state.status()),
        state.workflow_id(), run.started().workflow_type().name(), run.started().task_queue().name(), info_of(run)}});
}

void VisibilityStore::change(const Run& run, std::vector<Write>& writes) {
  const pb::RunState& state = run.state();
  writes.push_back(
      {"UPDATE engine_visibility SET info = $5 WHERE namespace = $1 AND closed_at = $2 AND start_time = $3 "
       "AND run_id = $4",
       {state.namespace_(), kNotClosed, state.start_time(), run.run_id(), info_of(run)}});
}

void VisibilityStore::close(const Run& run, std::vector<Write>& writes) {
  const pb::RunState& state = run.state();
  writes.push_back(
      {"UPDATE engine_visibility SET closed_at = $5, status = $6, info = $7 WHERE namespace = $1 AND "
       "closed_at = $2 AND start_time = $3 AND run_id = $4",
       {state.namespace_(), kNotClosed, state.start_time(), run.run_id(), state.close_time(),
        static_cast<std::int64_t>(state.status()), info_of(run)}});
}

void VisibilityStore::remove(const Run& run, std::vector<Write>& writes) {
  writes.push_back(
      {"DELETE FROM engine_visibility WHERE namespace = $1 AND closed_at = $2 AND start_time = $3 AND "
       "run_id = $4",
       {run.state().namespace_(), closed_at(run), run.state().start_time(), run.run_id()}});
}

}  // namespace reliant::temporal::engine

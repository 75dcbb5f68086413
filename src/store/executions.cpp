#include "store/executions.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/execution_rows.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

constexpr Duration kWaitForJournal = std::chrono::seconds(30);
constexpr std::string_view kStates[] = {"pending", "dispatched", "running", "done", "lost"};

// The table at the head of executions.h.
bool may_become(ExecutionState from, ExecutionState to) {
  switch (from) {
    case ExecutionState::kPending:
      return to != ExecutionState::kPending;
    case ExecutionState::kDispatched:
      return to != ExecutionState::kPending && to != ExecutionState::kDispatched;
    case ExecutionState::kRunning:
      return to == ExecutionState::kLost || to == ExecutionState::kDone;
    case ExecutionState::kLost:
      return to == ExecutionState::kDone;
    case ExecutionState::kDone:
      return false;
  }
  return false;
}

// As the index tool_executions_open says it: an index on a part is used by those that ask in its words.
#define OPEN_EXECUTIONS "state <> 'done' AND state <> 'lost'"
#define SET_STEP                                                                                            \
  "state = $2, epoch = $3, outcome = $4, is_error = $5, content = $6, exit_code = $7, output_chunks = $8, " \
  "journal = $9"
constexpr std::size_t kEpochOfDaemon = kExecutionColumns;

}  // namespace

Execution execution_from(const Row& row) {
  Execution execution;
  execution.request = {RequestId(row.text(0)),          UserId(row.text(1)), DaemonId(row.text(2)), ChatId(row.text(3)),
                       ToolCallId(row.text(4)),         row.text(5),         row.text(6),           row.text(7),
                       model::effect_from(row.text(8)), row.integer(9)};
  execution.state = execution_state_from(row.text(10));
  execution.epoch = row.integer(11);
  if (execution.state == ExecutionState::kDone)
    execution.result = model::ToolResult{model::outcome_from(row.text(12)), row.integer(13) != 0, row.text(14), row.integer(15),
                                         static_cast<std::uint64_t>(row.integer(16))};
  execution.created_at = wall_time(row.integer(17));
  execution.cancel_asked = row.integer(18) != 0;
  execution.journal = row.text(19);
  return execution;
}

Task<Result<std::optional<Execution>>> stored_execution(Transaction& transaction, RequestId id) {
  CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                     "SELECT " EXECUTION_COLUMNS " FROM tool_executions WHERE request_id = $1", {id.str()}));
  if (rows.empty()) co_return std::optional<Execution>();
  co_return execution_from(rows[0]);
}

namespace {

Status no_execution(const RequestId& id) { return not_found("tool request ", id.str(), " is not known"); }

}  // namespace

Task<Result<bool>> add_execution(Transaction& transaction, Execution execution) {
  const model::ToolRequest& request = execution.request;
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute(
                    "INSERT INTO tool_executions (" EXECUTION_COLUMNS ") VALUES "
                    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', 0, '', 0, 0, $13, 0, $14) "
                    "ON CONFLICT (request_id) DO NOTHING",
                    {request.id.str(), request.user.str(), request.daemon.str(), request.chat.str(), request.call.str(),
                     request.tool, request.arguments, request.working_directory, std::string(model::to_string(request.effect)),
                     request.timeout_ms, std::string(to_string(execution.state)), execution.epoch,
                     microseconds_of(execution.created_at), execution.journal}));
  if (rows.changed == 0) co_return false;
  CO_TRY_OK(co_await append_audit(transaction, {AuditId(request.id.str()), request.user, "tool.requested", request.tool,
                                                request.daemon, request.chat, execution.created_at}));
  co_return true;
}

Status of_somebody_else(const RequestId& id) {
  return permission_denied("tool request ", id.str(), " belongs to another user or daemon");
}

namespace {

struct InsertExecution {
  using Value = Execution;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own id
  Execution execution;

  Task<Result<Execution>> run(Transaction& transaction) const {
    const model::ToolRequest& request = execution.request;
    CO_TRY_ASSIGN(const bool added, co_await add_execution(transaction, execution));
    if (added) co_return execution;
    CO_TRY_ASSIGN(auto stored, co_await stored_execution(transaction, request.id));
    if (stored && stored->request.user == request.user && stored->request.daemon == request.daemon)
      co_return *std::move(stored);
    co_return of_somebody_else(request.id);
  }
};

// A request, if it is known, and the epoch that the daemon of a stream has now: one question. 0: without a stream, or it has
// none.
struct Stored {
  std::optional<Execution> execution;
  std::int64_t epoch = 0;
};

Task<Result<Stored>> stored_for(Transaction& transaction, RequestId id, std::optional<DaemonStream> stream) {
  if (!stream) {
    CO_TRY_ASSIGN(auto alone, co_await stored_execution(transaction, std::move(id)));
    co_return Stored{std::move(alone), 0};
  }
  CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                     "SELECT " EXECUTION_COLUMNS
                                     ", COALESCE((SELECT d.epoch FROM daemons d WHERE d.user_id = $2 AND d.id = $3), 0) "
                                     "FROM (SELECT 1) AS one LEFT JOIN tool_executions ON request_id = $1",
                                     {id.str(), stream->user.str(), stream->daemon.str()}));
  Stored stored;
  stored.epoch = rows[0].integer(kEpochOfDaemon);
  if (!rows[0].is_null(0)) stored.execution = execution_from(rows[0]);
  co_return stored;
}

Status check_stream(const model::ToolRequest& request, const DaemonStream& stream, std::int64_t current) {
  if (request.user != stream.user || request.daemon != stream.daemon)
    return permission_denied("tool request ", request.id.str(), " is not for daemon ", stream.daemon.str());
  if (current == stream.epoch) return ok_status();
  return with_reason(failed_precondition("the stream of epoch ", stream.epoch, " of daemon ", request.daemon.str(),
                                         " was replaced by epoch ", current),
                     kReasonSuperseded);
}

// What no gateway has sent has not been run.
model::ToolResult cancelled_before() {
  return model::error_result(model::Outcome::kNotExecuted, "Cancelled before it was sent to the daemon.");
}

// As long as it may run, its own journal may come back with its end.
bool may_yet_come(const Execution& execution, std::int64_t now) {
  const Duration wait = std::chrono::milliseconds(execution.request.timeout_ms) + kWaitForJournal;
  return now < microseconds_of(execution.created_at + wait);
}

model::ToolResult forgotten() {
  return model::error_result(
      model::Outcome::kUnknown,
      "It is not known whether the tool ran: the daemon that was asked has lost its journal, or another machine has "
      "connected under its id. Find out before running it again.");
}

// A step that a daemon's stream or the servers themselves (nullopt) make.
struct AdvanceExecution {
  using Value = Execution;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // a step that was made is not made again
  RequestId id;
  ExecutionState state;
  std::optional<DaemonStream> stream;
  model::ToolResult result;  // of kDone
  std::int64_t now = 0;      // microseconds

  Task<Result<Execution>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(auto stored, co_await stored_for(transaction, id, stream));
    if (!stored.execution) co_return no_execution(id);
    co_return co_await step(transaction, *std::move(stored.execution), stored.epoch);
  }

  Task<Result<Execution>> step(Transaction& transaction, Execution execution, std::int64_t epoch_of_daemon) const {
    if (stream) CO_TRY_OK(check_stream(execution.request, *stream, epoch_of_daemon));
    if (stream && state != ExecutionState::kDone && sent_elsewhere(execution, *stream)) {
      if (may_yet_come(execution, now)) co_return std::move(execution);
      const AdvanceExecution end{id, ExecutionState::kDone, std::nullopt, forgotten(), now};
      co_return co_await end.run(transaction);
    }
    if (!may_become(execution.state, state)) co_return std::move(execution);
    execution.state = state;
    if (stream) execution.epoch = stream->epoch;
    if (stream) execution.journal = stream->journal;
    if (state == ExecutionState::kDone) execution.result = result;
    CO_TRY_OK((co_await transaction.execute("UPDATE tool_executions SET " SET_STEP " WHERE request_id = $1",
                                            step_values(execution.epoch, execution.journal)))
                  .status());
    co_return std::move(execution);
  }

  ports::Values step_values(std::int64_t epoch, const std::string& journal) const {
    return {id.str(),
            std::string(to_string(state)),
            epoch,
            std::string(model::to_string(result.outcome)),
            std::int64_t{result.is_error},
            result.content,
            result.exit_code,
            static_cast<std::int64_t>(result.output_chunks),
            journal};
  }
};

// The step to kDone that a daemon's stream makes: one statement when nothing is against it, else the step says what is.
struct FinishExecution {
  using Value = Execution;
  static constexpr InDoubt kInDoubt = AdvanceExecution::kInDoubt;
  AdvanceExecution advance;

  Task<Result<Execution>> run(Transaction& transaction) const {
    const DaemonStream& stream = *advance.stream;
    ports::Values values = advance.step_values(stream.epoch, stream.journal);
    values.add(stream.user.str());
    values.add(stream.daemon.str());
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      "UPDATE tool_executions SET " SET_STEP " WHERE request_id = $1 AND state <> 'done' "
                      "AND user_id = $10 AND daemon_id = $11 "
                      "AND EXISTS (SELECT 1 FROM daemons d WHERE d.user_id = $10 AND d.id = $11 AND d.epoch = $3) "
                      "RETURNING " EXECUTION_COLUMNS,
                      std::move(values)));
    if (rows.empty()) co_return co_await advance.run(transaction);
    co_return execution_from(rows[0]);
  }
};

// insert() and the step to kDispatched in one: one statement for a request that waits for nothing else.
struct DispatchExecution {
  using Value = Execution;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own id; a step that was made is not made again
  InsertExecution insert;                                  // as it is to be when it is new
  AdvanceExecution advance;

  Task<Result<Execution>> run(Transaction& transaction) const {
    const DaemonStream& stream = *advance.stream;
    CO_TRY_ASSIGN(const Rows sent,
                  co_await transaction.execute(
                      "UPDATE tool_executions SET state = 'dispatched', epoch = $4, journal = $5 WHERE request_id = $1 "
                      "AND state = 'pending' AND user_id = $2 AND daemon_id = $3 "
                      "AND EXISTS (SELECT 1 FROM daemons d WHERE d.user_id = $2 AND d.id = $3 AND d.epoch = $4) "
                      "RETURNING " EXECUTION_COLUMNS,
                      {advance.id.str(), stream.user.str(), stream.daemon.str(), stream.epoch, stream.journal}));
    if (!sent.empty()) co_return execution_from(sent[0]);
    CO_TRY_ASSIGN(auto stored, co_await stored_for(transaction, advance.id, advance.stream));
    const model::ToolRequest& asked = insert.execution.request;
    if (!stored.execution) {
      CO_TRY_OK(check_stream(asked, *advance.stream, stored.epoch));
      CO_TRY_ASSIGN(const bool added, co_await add_execution(transaction, insert.execution));
      RELIANT_ASSERT(added, "it was not known a statement ago");
      co_return insert.execution;
    }
    const model::ToolRequest& known = stored.execution->request;
    if (known.user != asked.user || known.daemon != asked.daemon) co_return of_somebody_else(asked.id);
    if (stored.execution->state == ExecutionState::kDone) co_return *std::move(stored.execution);
    co_return co_await advance.step(transaction, *std::move(stored.execution), stored.epoch);
  }
};

struct CancelExecution {
  using Value = Execution;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // what was asked for is not asked for again
  RequestId id;
  std::optional<DaemonStream> stream;
  std::int64_t now;  // microseconds

  Task<Result<Execution>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(auto found, co_await stored_for(transaction, id, stream));
    std::optional<Execution>& stored = found.execution;
    if (!stored) co_return no_execution(id);
    if (stream) CO_TRY_OK(check_stream(stored->request, *stream, found.epoch));
    if (stored->state == ExecutionState::kDone || stored->state == ExecutionState::kLost || stored->cancel_asked)
      co_return *std::move(stored);
    if (stream && sent_elsewhere(*stored, *stream) && !may_yet_come(*stored, now)) {
      const AdvanceExecution unknown{id, ExecutionState::kDone, std::nullopt, forgotten(), now};
      co_return co_await unknown.run(transaction);
    }
    if (!stored->dispatched()) {
      const AdvanceExecution end{id, ExecutionState::kDone, std::nullopt, cancelled_before(), now};
      co_return co_await end.run(transaction);
    }
    CO_TRY_OK((co_await transaction.execute("UPDATE tool_executions SET cancel_asked = 1 WHERE request_id = $1", {id.str()}))
                  .status());
    stored->cancel_asked = true;
    co_return *std::move(stored);
  }
};

struct GetExecution {
  using Value = Execution;
  RequestId id;

  Task<Result<Execution>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(auto stored, co_await stored_execution(transaction, id));
    if (!stored) co_return no_execution(id);
    co_return *std::move(stored);
  }
};

struct OpenExecutions {
  using Value = std::vector<Execution>;
  UserId user;
  DaemonId daemon;
  std::size_t limit;

  Task<Result<std::vector<Execution>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT " EXECUTION_COLUMNS " FROM tool_executions "
                                                                "WHERE user_id = $1 AND daemon_id = $2 "
                                                                "AND " OPEN_EXECUTIONS " "
                                                                "ORDER BY created_at, request_id LIMIT $3",
                                                                {user.str(), daemon.str(), static_cast<std::int64_t>(limit)}));
    std::vector<Execution> executions;
    for (const Row row : rows) executions.push_back(execution_from(row));
    co_return executions;
  }
};

struct OpenOfCall {
  using Value = std::vector<Execution>;
  ChatId chat;
  ToolCallId call;

  Task<Result<std::vector<Execution>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT " EXECUTION_COLUMNS " FROM tool_executions "
                                                                "WHERE chat_id = $1 AND call_id = $2 "
                                                                "AND " OPEN_EXECUTIONS " ORDER BY request_id",
                                                                {chat.str(), call.str()}));
    std::vector<Execution> executions;
    for (const Row row : rows) executions.push_back(execution_from(row));
    co_return executions;
  }
};

struct LoseOverdue {
  using Value = std::int64_t;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // what is lost is not lost again
  std::int64_t before;                                     // microseconds
  std::int64_t silent_since;

  Task<Result<std::int64_t>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(
                      "UPDATE tool_executions SET state = 'lost' "
                      "WHERE " OPEN_EXECUTIONS " AND created_at + timeout_ms * 1000 < $1 "
                      "AND daemon_id <> '' AND NOT EXISTS (SELECT 1 FROM daemons d WHERE d.user_id = tool_executions.user_id "
                      "AND d.id = tool_executions.daemon_id AND d.last_seen >= $2)",
                      {before, silent_since}));
    co_return rows.changed;
  }
};

#undef OPEN_EXECUTIONS
#undef SET_STEP

}  // namespace

std::string_view to_string(ExecutionState state) { return kStates[static_cast<std::size_t>(state)]; }

ExecutionState execution_state_from(std::string_view word) {
  const auto* const found = std::ranges::find(kStates, word);
  return found == std::end(kStates) ? ExecutionState::kLost
                                    : static_cast<ExecutionState>(std::distance(std::begin(kStates), found));
}

bool sent_elsewhere(const Execution& execution, const DaemonStream& stream) {
  const bool open = execution.state == ExecutionState::kDispatched || execution.state == ExecutionState::kRunning;
  return open && !execution.journal.empty() && !stream.journal.empty() && execution.journal != stream.journal;
}

Task<Result<Execution>> Executions::insert(model::ToolRequest request, Instant deadline) {
  Execution execution;
  execution.request = std::move(request);
  execution.created_at = wall_time(transactor_.wall_now());
  return transactor_.write(InsertExecution{std::move(execution)}, deadline);
}

Task<Result<Execution>> Executions::dispatch(model::ToolRequest request, DaemonStream stream, Instant deadline) {
  Execution execution;
  execution.request = std::move(request);
  const std::int64_t now = transactor_.wall_now();
  execution.created_at = wall_time(now);
  execution.state = ExecutionState::kDispatched;
  execution.epoch = stream.epoch;
  execution.journal = stream.journal;
  AdvanceExecution advance{execution.request.id, ExecutionState::kDispatched, std::move(stream), {}, now};
  return transactor_.write(DispatchExecution{{std::move(execution)}, std::move(advance)}, deadline);
}

Task<Result<Execution>> Executions::advance(RequestId request, ExecutionState state, DaemonStream stream, Instant deadline) {
  return transactor_.write(AdvanceExecution{std::move(request), state, std::move(stream), {}, transactor_.wall_now()},
                           deadline);
}

Task<Result<Execution>> Executions::finish(RequestId request, DaemonStream stream, model::ToolResult result, Instant deadline) {
  AdvanceExecution advance{std::move(request), ExecutionState::kDone, std::move(stream), std::move(result),
                           transactor_.wall_now()};
  return transactor_.write(FinishExecution{std::move(advance)}, deadline);
}

Task<Result<Execution>> Executions::lose(RequestId request, Instant deadline) {
  return transactor_.write(
      AdvanceExecution{std::move(request), ExecutionState::kLost, std::nullopt, {}, transactor_.wall_now()}, deadline);
}

Task<Result<Execution>> Executions::ask_cancel(RequestId request, std::optional<DaemonStream> stream, Instant deadline) {
  return transactor_.write(CancelExecution{std::move(request), std::move(stream), transactor_.wall_now()}, deadline);
}

Task<Result<std::vector<Execution>>> Executions::open_of_call(ChatId chat, ToolCallId call, Instant deadline) {
  return transactor_.read(OpenOfCall{std::move(chat), std::move(call)}, deadline);
}

Task<Result<std::int64_t>> Executions::lose_overdue(Duration overdue, WallTime silent_since, Instant deadline) {
  const std::int64_t before = transactor_.wall_now() - std::chrono::floor<std::chrono::microseconds>(overdue).count();
  return transactor_.write(LoseOverdue{before, microseconds_of(silent_since)}, deadline);
}

Task<Result<Execution>> Executions::get(RequestId request, Instant deadline) {
  return transactor_.read(GetExecution{std::move(request)}, deadline);
}

Task<Result<std::vector<Execution>>> Executions::open(UserId user, DaemonId daemon, std::size_t limit, Instant deadline) {
  return transactor_.read(OpenExecutions{std::move(user), std::move(daemon), limit}, deadline);
}

}  // namespace reliant::store

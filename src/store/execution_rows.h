// What repositories share of a tool execution, inside a transaction of theirs.
#pragma once

#include <cstddef>
#include <optional>

#include "base/ids.h"
#include "base/status.h"
#include "ports/database.h"
#include "runtime/task.h"
#include "store/executions.h"

namespace reliant::store {

// In the order in which execution_from() reads them, first in their row. `t` is the table's alias with a
// point, or "".
#define EXECUTION_COLUMNS_OF(t)                                                                                              \
  t "request_id, " t "user_id, " t "daemon_id, " t "chat_id, " t "call_id, " t "tool, " t "arguments, " t                    \
    "working_directory, " t "effect, " t "timeout_ms, " t "state, " t "epoch, " t "outcome, " t "is_error, " t "content, " t \
    "exit_code, " t "output_chunks, " t "created_at, " t "cancel_asked, " t "journal"
#define EXECUTION_COLUMNS EXECUTION_COLUMNS_OF("")
inline constexpr std::size_t kExecutionColumns = 20;

Execution execution_from(const ports::Row& row);

// All are awaited within the expression that calls them. Nullopt: no such request.
Task<Result<std::optional<Execution>>> stored_execution(ports::Transaction& transaction, RequestId id);
// With its entry in the audit. False: the request is known, and stays as it is.
Task<Result<bool>> add_execution(ports::Transaction& transaction, Execution execution);
Status of_somebody_else(const RequestId& id);  // PERMISSION_DENIED

}  // namespace reliant::store

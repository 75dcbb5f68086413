// What repositories share of a tool execution, inside a transaction of theirs.
#pragma once

#include <optional>

#include "base/ids.h"
#include "base/status.h"
#include "ports/database.h"
#include "runtime/task.h"
#include "store/executions.h"

namespace reliant::store {

// Awaited within the expression that calls it. Nullopt: no such request.
Task<Result<std::optional<Execution>>> stored_execution(ports::Transaction& transaction, RequestId id);

}  // namespace reliant::store

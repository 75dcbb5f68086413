// The expressions and templates of a workflow, checked where they stand: each name is one that exists there, each node that is
// named has ended before, and types fit where they are known.
#pragma once

#include <vector>

#include "base/status.h"
#include "workflow/format/definition.h"

namespace reliant::workflow {

// The graphs of `workflow` can be resolved (format/flow.h). INVALID_ARGUMENT "file:line:column: message" each.
std::vector<Status> check_expressions(const WorkflowDefinition& workflow);

}  // namespace reliant::workflow

// What clients are shown of a run and its parts.
#pragma once

#include "temporal/engine/mutable_state.h"

namespace reliant::temporal::engine {

void describe(const Run& run, api::workflow::v1::WorkflowExecutionInfo& info);
// Everything that DescribeWorkflowExecution tells.
wf::DescribeWorkflowExecutionResponse describe(const Run& run);

}  // namespace reliant::temporal::engine

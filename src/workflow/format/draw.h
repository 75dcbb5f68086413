// Drawings of a workflow's order, as text for other programs.
#pragma once

#include <string>

#include "base/status.h"
#include "workflow/format/definition.h"

namespace reliant::workflow {

enum class DrawingLanguage { kMermaid, kDot };

// INVALID_ARGUMENT: the order of a graph cannot be resolved (format/flow.h).
Result<std::string> draw(const WorkflowDefinition& workflow, DrawingLanguage language);

}  // namespace reliant::workflow

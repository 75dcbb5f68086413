// What is wrong with a workflow although each of its parts can be read: the order of its graphs, threads that two nodes would
// write at a time, inputs, references to other files. `reliant workflow validate` prints every problem; a run begins only without.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "workflow/format/definition.h"

namespace reliant::workflow {

// What a project knows beside the file. A function that is not set checks nothing.
struct Surroundings {
  std::function<bool(std::string_view name)> knows_preset;
  // `reference` as in the file: NAME, project://NAME or builtin://NAME. Null: no such workflow.
  std::function<const WorkflowDefinition*(std::string_view reference)> find_workflow;
};

// In the order of the file; INVALID_ARGUMENT "file:line:column: message" each.
std::vector<Status> check(const WorkflowDefinition& workflow, const Surroundings& surroundings);

}  // namespace reliant::workflow

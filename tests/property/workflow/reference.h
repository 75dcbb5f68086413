// The sequential reference of the workflow format: which outcomes README.md of src/workflow/format allows for a workflow and its
// answers. It is written from that page alone, runs nothing side by side and knows no time but two: an end is early (within hours)
// or late (weeks, an answer that is slow where no timeout bounds it).
//
// Where nodes run side by side and none fails, their order changes no outcome, and each node has one. When one fails, the others
// may have ended, be cancelled, or never have begun. Of several that fail, any may be the first, unless another is late.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "property/workflow/random_workflow.h"
#include "workflow/graph/node_state.h"

namespace reliant::tests {

using Known = std::variant<std::monostate, bool, std::int64_t, std::string>;  // the first: null
using Fields = std::map<std::string, Known, std::less<>>;

struct AllowedNode {
  std::set<workflow::NodeState> states{};   // PENDING: also if it is not there at all
  Fields output{};                          // when it is COMPLETED
  std::set<workflow::NodeState> earlier{};  // of attempts before the last one of a node that holds it
};

struct Allowed {
  bool completed = false;                    // otherwise FAILED
  std::set<std::string> culprits;            // FAILED: ids of the graph's nodes, of which one failed first
  std::map<std::string, AllowedNode> nodes;  // by their way
  Fields outputs;                            // COMPLETED: those of the workflow
};

Allowed allowed_outcomes(const RandomProject& project, std::uint64_t seed);

// What is left when the run may be cancelled at any moment.
void allow_cancellation(std::map<std::string, AllowedNode>& nodes);

}  // namespace reliant::tests

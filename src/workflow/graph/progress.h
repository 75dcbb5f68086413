// How far a run has come: a tree of values, so that a run can continue as new, and a user can see it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "expr/value.h"
#include "workflow/graph/node_state.h"

namespace reliant::workflow {

struct NodeProgress;

struct GraphProgress {
  std::map<std::string, NodeProgress, std::less<>> nodes;  // by id; what is not here is PENDING
};

struct NodeProgress {
  NodeState state = NodeState::kPending;
  bool ended_its_way = false;  // SKIPPED because no edge leads to it: what follows it is skipped, too
  std::int64_t attempts = 0;
  expr::Value output;  // a map, once it has ended
  std::string error;   // FAILED: why
  // Of a loop by the number of the round, of a parallel node by the branch, of a workflow node "".
  std::map<std::string, GraphProgress, std::less<>> inner;
};

}  // namespace reliant::workflow

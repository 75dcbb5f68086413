// Flow: the order of a graph's nodes, resolved: who leads to whom, and which edges exclude one another. The interpreter, the
// checks and the drawings go by it. Nodes and edges are named by their places in the vectors.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "workflow/format/definition.h"

namespace reliant::workflow {

inline constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct FlowEdge {
  std::size_t from = 0;
  std::size_t to = 0;
  std::size_t decision = kNone;     // of the source's, of whose edges one is taken; kNone: always taken
  const Case* condition = nullptr;  // nullptr: always, or the decision's default
  std::string label() const { return condition == nullptr ? std::string() : condition->label; }
};

// Cases of which the first whose condition is true is taken.
struct Decision {
  std::vector<std::size_t> edges;  // in the order of the cases
  std::size_t otherwise = kNone;   // the edge of the default; kNone: then none is taken
};

struct FlowNode {
  const GraphNode* node = nullptr;
  std::vector<std::size_t> in;  // edges
  std::vector<std::size_t> out;
  std::vector<Decision> decisions;
  std::set<std::size_t> before;       // nodes that have ended, or are SKIPPED, when this one begins
  std::set<std::size_t> settled;      // likewise, when it is SKIPPED: a join of all is, as soon as one edge is not taken
  std::set<std::size_t> needs_edges;  // edges that were taken when this one begins
};

struct Flow {
  std::vector<FlowNode> nodes;  // in the order of the file
  std::vector<FlowEdge> edges;
  std::vector<std::size_t> entry;
  std::vector<std::size_t> order;  // of the nodes: each stands behind those before it

  // Whether no way through the graph runs both.
  bool exclude(std::size_t one, std::size_t other) const;
  // Whether both may run at one time.
  bool side_by_side(std::size_t one, std::size_t other) const;
};

// `workflow` gives the file's name for messages; `graph` outlives the flow. INVALID_ARGUMENT: an edge that names no node, a cycle
// (with its nodes), a node that is never reached.
Result<Flow> resolve(const WorkflowDefinition& workflow, const Graph& graph);

}  // namespace reliant::workflow

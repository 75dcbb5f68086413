#include "workflow/format/flow.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>

#include "base/command_line.h"
#include "base/text.h"

namespace reliant::workflow {
namespace {

class Resolver {
 public:
  Resolver(const WorkflowDefinition& workflow, const Graph& graph) : workflow_(workflow), graph_(graph) {}

  Result<Flow> resolve() {
    for (const GraphNode& node : graph_.nodes) {
      places_.emplace(node.id, flow_.nodes.size());
      flow_.nodes.emplace_back().node = &node;
    }
    if (graph_.sequential()) {
      for (std::size_t i = 1; i < flow_.nodes.size(); ++i) add_edge({i - 1, i, kNone, nullptr});
    }
    for (const Edge& edge : graph_.edges) TRY_OK(add_edges(edge));
    for (std::size_t i = 0; i < flow_.nodes.size(); ++i) TRY_OK(add_routes(i));
    TRY_OK(set_entry());
    TRY_OK(sort());
    TRY_OK(reach_all());
    for (const std::size_t at : flow_.order) find_needs(at);
    return std::move(flow_);
  }

 private:
  std::size_t add_edge(FlowEdge edge) {
    const std::size_t index = flow_.edges.size();
    flow_.nodes[edge.from].out.push_back(index);
    flow_.nodes[edge.to].in.push_back(index);
    flow_.edges.push_back(edge);
    return index;
  }

  Result<std::size_t> find(const std::string& id, Place place, std::string_view what) const {
    const auto found = places_.find(id);
    if (found != places_.end()) return found->second;
    std::vector<std::string_view> known;
    known.reserve(graph_.nodes.size());
    for (const GraphNode& node : graph_.nodes) known.emplace_back(node.id);
    const std::string meant = nearest(id, known);
    const std::string hint = meant.empty() ? std::string() : concat("; did you mean \"", meant, "\"?");
    return workflow_.error(place, concat(what, " names \"", id, "\", and this graph has no such node", hint));
  }

  Status add_edges(const Edge& edge) {
    TRY_ASSIGN(const std::size_t from, find(edge.from, edge.place, "\"from\""));
    if (flow_.nodes[from].node->type() == RouterNode::kType) {
      return workflow_.error(edge.place,
                             concat("\"", edge.from, "\" is a router, which has its cases in itself; remove this edge"));
    }
    if (edge.to.empty() == edge.cases.empty()) {
      return workflow_.error(edge.place, "an edge needs one of \"to\" and \"cases\"");
    }
    if (!edge.to.empty() && !edge.otherwise.empty()) {
      return workflow_.error(edge.place, "\"default\" belongs to \"cases\"; an edge with \"to\" is always taken");
    }
    for (const std::string& id : edge.to) {
      TRY_ASSIGN(const std::size_t to, find(id, edge.place, "\"to\""));
      add_edge({from, to, kNone, nullptr});
    }
    if (edge.cases.empty()) return ok_status();
    return add_decision(from, edge.cases, edge.otherwise, edge.place);
  }

  Status add_decision(std::size_t from, const std::vector<Case>& cases, const std::string& otherwise, Place place) {
    Decision decision;
    const std::size_t index = flow_.nodes[from].decisions.size();
    for (const Case& one : cases) {
      TRY_ASSIGN(const std::size_t to, find(one.to, one.place, "\"to\""));
      decision.edges.push_back(add_edge({from, to, index, &one}));
    }
    if (!otherwise.empty()) {
      TRY_ASSIGN(const std::size_t to, find(otherwise, place, "\"default\""));
      decision.otherwise = add_edge({from, to, index, nullptr});
    }
    flow_.nodes[from].decisions.push_back(std::move(decision));
    return ok_status();
  }

  Status add_routes(std::size_t from) {
    const GraphNode& node = *flow_.nodes[from].node;
    const auto* router = std::get_if<RouterNode>(&node.action);
    if (router == nullptr) return ok_status();
    if (router->cases.empty()) {
      return workflow_.error(node.place, concat("router \"", node.id, "\" has no cases; it needs at least one"));
    }
    return add_decision(from, router->cases, router->otherwise, node.place);
  }

  Status set_entry() {
    for (const std::string& id : graph_.entry) {
      TRY_ASSIGN(const std::size_t at, find(id, graph_.nodes.front().place, "\"entry\""));
      const FlowNode& node = flow_.nodes[at];
      if (!node.in.empty()) {
        const std::string& from = flow_.nodes[flow_.edges[node.in.front()].from].node->id;
        return workflow_.error(node.node->place, concat("\"entry\" names \"", id, "\", and an edge from \"", from,
                                                        "\" leads to it; leave one of them out"));
      }
      flow_.entry.push_back(at);
    }
    if (!graph_.entry.empty()) return ok_status();
    for (std::size_t i = 0; i < flow_.nodes.size(); ++i) {
      if (flow_.nodes[i].in.empty()) flow_.entry.push_back(i);
    }
    return ok_status();
  }

  // Each node behind those that lead to it, else in the order of the file.
  Status sort() {
    std::vector<std::size_t> open(flow_.nodes.size());
    std::set<std::size_t> ready;
    for (std::size_t i = 0; i < flow_.nodes.size(); ++i) {
      open[i] = flow_.nodes[i].in.size();
      if (open[i] == 0) ready.insert(i);
    }
    while (!ready.empty()) {
      const std::size_t at = *ready.begin();
      ready.erase(ready.begin());
      flow_.order.push_back(at);
      for (const std::size_t edge : flow_.nodes[at].out) {
        if (--open[flow_.edges[edge].to] == 0) ready.insert(flow_.edges[edge].to);
      }
    }
    if (flow_.order.size() == flow_.nodes.size()) return ok_status();
    return cycle(open);
  }

  // `open` is not 0 for the nodes of a cycle and those behind one: going back from any of them leads into a cycle.
  Status cycle(const std::vector<std::size_t>& open) const {
    const auto first = std::ranges::find_if(open, [](std::size_t count) { return count != 0; });
    auto at = static_cast<std::size_t>(first - open.begin());
    std::vector<std::size_t> way;
    while (std::ranges::find(way, at) == way.end()) {
      way.push_back(at);
      const auto& in = flow_.nodes[at].in;
      at = flow_.edges[*std::ranges::find_if(in, [&](std::size_t edge) { return open[flow_.edges[edge].from] != 0; })].from;
    }
    std::string names = flow_.nodes[at].node->id;
    for (auto back = way.rbegin(); *back != at; ++back) names += concat(" -> ", flow_.nodes[*back].node->id);
    return workflow_.error(flow_.nodes[at].node->place, concat("the edges make a cycle: ", names, " -> ",
                                                               flow_.nodes[at].node->id, "; a loop node repeats"));
  }

  Status reach_all() const {
    std::vector<bool> reached(flow_.nodes.size());
    for (const std::size_t at : flow_.entry) reached[at] = true;
    for (const std::size_t at : flow_.order) {
      if (!reached[at]) {
        const GraphNode& node = *flow_.nodes[at].node;
        return workflow_.error(node.place, concat("node \"", node.id,
                                                  "\" is never reached: no edge leads to it, and \"entry\" does "
                                                  "not name it"));
      }
      for (const std::size_t edge : flow_.nodes[at].out) reached[flow_.edges[edge].to] = true;
    }
    return ok_status();
  }

  void find_needs(std::size_t at) {
    FlowNode& node = flow_.nodes[at];
    const auto* join = std::get_if<JoinNode>(&node.node->action);
    const bool any = join != nullptr && join->mode == "any";
    const bool all = join != nullptr && join->mode == "all";
    const bool all_taken = all || node.in.size() == 1;
    for (std::size_t i = 0; i < node.in.size(); ++i) {
      const FlowEdge& edge = flow_.edges[node.in[i]];
      const FlowNode& from = flow_.nodes[edge.from];
      // What an edge that is taken leads from has begun; where another edge is enough, it may have been SKIPPED.
      std::set<std::size_t> before = any || all_taken ? from.before : from.settled;
      before.insert(edge.from);
      std::set<std::size_t> settled = from.settled;
      settled.insert(edge.from);
      std::set<std::size_t> needs = flow_.nodes[edge.from].needs_edges;
      needs.insert(node.in[i]);
      combine(node.before, before, i == 0 || !any);
      combine(node.settled, settled, i == 0 || (!any && !all));
      combine(node.needs_edges, needs, i == 0 || all);
    }
  }
  static void combine(std::set<std::size_t>& into, const std::set<std::size_t>& more, bool unite) {
    if (unite) return into.insert(more.begin(), more.end());
    std::erase_if(into, [&](std::size_t one) { return !more.contains(one); });
  }

  const WorkflowDefinition& workflow_;
  const Graph& graph_;
  std::map<std::string, std::size_t, std::less<>> places_;
  Flow flow_;
};

}  // namespace

bool Flow::exclude(std::size_t one, std::size_t other) const {
  for (const std::size_t mine : nodes[one].needs_edges) {
    const FlowEdge& edge = edges[mine];
    if (edge.decision == kNone) continue;
    for (const std::size_t theirs : nodes[other].needs_edges) {
      if (theirs != mine && edges[theirs].from == edge.from && edges[theirs].decision == edge.decision) return true;
    }
  }
  return false;
}

bool Flow::side_by_side(std::size_t one, std::size_t other) const {
  return one != other && !nodes[one].before.contains(other) && !nodes[other].before.contains(one) && !exclude(one, other);
}

Result<Flow> resolve(const WorkflowDefinition& workflow, const Graph& graph) { return Resolver(workflow, graph).resolve(); }

}  // namespace reliant::workflow

#include "workflow/graph/scope.h"

#include <utility>

#include "workflow/format/output_types.h"

namespace reliant::workflow {
namespace {

using expr::Value;

Value text(std::string_view text) { return Value::string(std::string(text)); }

Value output_of(const GraphNode& node, const NodeProgress& progress) {
  expr::Map map;
  map.insert(text("status"), text(to_string(progress.state)));
  if (!progress.error.empty()) map.insert(text("error"), text(progress.error));
  if (progress.output.is(expr::Kind::kMap)) {
    for (const auto& [key, value] : progress.output.as_map()) map.insert(key, value);
  }
  for (const OutputField& field : output_fields(node.type())) map.insert(text(field.name), Value());
  return Value::map(std::move(map));
}

// Those of the graphs around come first, so that a node of this graph hides one of the same name.
void add_nodes(const Scope& scope, std::map<std::string, Value, std::less<>>& nodes) {
  if (scope.outer != nullptr) add_nodes(*scope.outer, nodes);
  for (const GraphNode& node : scope.graph->nodes) {
    const auto found = scope.progress->nodes.find(node.id);
    if (found == scope.progress->nodes.end() || !is_end(found->second.state)) continue;
    nodes.insert_or_assign(node.id, output_of(node, found->second));
  }
}

}  // namespace

expr::Value outputs_of(const Graph& graph, const GraphProgress& progress) {
  expr::Map map;
  for (const GraphNode& node : graph.nodes) {
    const auto found = progress.nodes.find(node.id);
    if (found != progress.nodes.end() && is_end(found->second.state)) map.insert(text(node.id), output_of(node, found->second));
  }
  return Value::map(std::move(map));
}

expr::Variables Scope::variables() const {
  expr::Variables variables;
  variables["inputs"] = run->inputs;
  variables["params"] = run->inputs;  // C23
  expr::Map about;
  about.insert(text("name"), text(run->workflow->name));
  about.insert(text("run"), text(run->run));
  variables["workflow"] = Value::map(std::move(about));
  std::map<std::string, Value, std::less<>> nodes;
  add_nodes(*this, nodes);
  expr::Map map;
  for (auto& [id, ended] : nodes) map.insert(text(id), std::move(ended));
  variables["nodes"] = Value::map(std::move(map));
  for (const Scope* at = this; at != nullptr; at = at->outer) {
    if (!at->item) continue;
    expr::Map iter;
    iter.insert(text("item"), *at->item);
    iter.insert(text("index"), Value::integer(at->index));
    variables.emplace("iter", Value::map(std::move(iter)));
    break;  // the nearest loop's
  }
  if (output) variables["output"] = *output;
  return variables;
}

}  // namespace reliant::workflow

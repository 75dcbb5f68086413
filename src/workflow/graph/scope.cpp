#include "workflow/graph/scope.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
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

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

// The ids of `nodes.ID` and `nodes.?ID`; nullopt: the map is used in another way (`toJson(nodes)`, `nodes[x]`, `nodes.map(…)`).
std::optional<std::set<std::string, std::less<>>> named_nodes(std::string_view text) {
  constexpr std::string_view kWord = "nodes";
  std::set<std::string, std::less<>> names;
  for (std::size_t at = text.find(kWord); at != std::string_view::npos; at = text.find(kWord, at)) {
    at += kWord.size();
    if (at == text.size() || text[at] != '.') return std::nullopt;
    ++at;
    if (at < text.size() && text[at] == '?') ++at;
    const std::size_t end = std::min(text.find_first_not_of(kLetters, at), text.size());
    if (end == at || (end < text.size() && text[end] == '(')) return std::nullopt;
    names.emplace(text.substr(at, end - at));
    at = end;
  }
  return names;
}

// The nearest graph's node hides one of the same name in a graph around.
expr::Map ended_nodes(const Scope& scope, std::string_view expression) {
  const auto names = named_nodes(expression);
  expr::Map map;
  for (const Scope* at = &scope; at != nullptr; at = at->outer) {
    for (const GraphNode& node : at->graph->nodes) {
      if (names && !names->contains(node.id)) continue;
      const auto found = at->progress->nodes.find(node.id);
      if (found == at->progress->nodes.end() || !is_end(found->second.state)) continue;
      map.insert(text(node.id), output_of(node, found->second));
    }
  }
  return map;
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

expr::Variables Scope::variables(std::string_view expression) const {
  expr::Variables variables;
  variables["inputs"] = run->inputs;
  variables["params"] = run->inputs;  // C23
  expr::Map about;
  about.insert(text("name"), text(run->workflow->name));
  about.insert(text("run"), text(run->run));
  variables["workflow"] = Value::map(std::move(about));
  variables["nodes"] = Value::map(ended_nodes(*this, expression));
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

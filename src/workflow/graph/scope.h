// Scope: the names that an expression of a workflow may use, where it stands (README.md of format/, "Expressions and templates").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "expr/evaluator.h"
#include "expr/value.h"
#include "workflow/format/definition.h"
#include "workflow/graph/progress.h"

namespace reliant::workflow {

// What holds for one file: a workflow that another one calls has its own.
struct RunScope {
  const WorkflowDefinition* workflow = nullptr;
  std::string run;  // id
  expr::Value inputs;
};

struct Scope {
  const RunScope* run = nullptr;
  const Graph* graph = nullptr;
  const GraphProgress* progress = nullptr;
  const Scope* outer = nullptr;     // of the graph that holds this one; null: none, or another file
  std::optional<expr::Value> item;  // in a round of a loop
  std::int64_t index = 0;
  std::optional<expr::Value> output;  // of the round before

  // What an expression or a template may use. `nodes` has only nodes that have ended, and of those only the ones that `text` names,
  // unless it uses the map itself: a graph of a thousand nodes has as many expressions.
  expr::Variables variables(std::string_view text) const;
};

// A map of the outputs of a graph's nodes that have ended, each with its status.
expr::Value outputs_of(const Graph& graph, const GraphProgress& progress);

}  // namespace reliant::workflow

// Interpreter: runs the graph of a workflow over a Host. Deterministic by construction: it sees no clock, no randomness and no
// thread; what it does next depends on the file, the inputs and the answers of the host alone.
//
// Owner: the workflow of a run, or a test. All that it is given outlives it. Its progress is a value (graph/progress.h): a run that
// is begun with one goes on where that one ended.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "expr/expression.h"
#include "expr/template.h"
#include "runtime/task.h"
#include "workflow/format/flow.h"
#include "workflow/format/library.h"
#include "workflow/graph/cancellation.h"
#include "workflow/graph/host.h"
#include "workflow/graph/progress.h"
#include "workflow/graph/scope.h"

namespace reliant::workflow {

class Interpreter {
 public:
  Interpreter(Host& host, const Library& library, std::string run) : host_(host), library_(library), run_(std::move(run)) {}

  // The outputs, a map. Fails with the status of the node that FAILED, its way in front; CANCELLED once `cancel` is set.
  // INVALID_ARGUMENT: the inputs are not those that the file describes.
  Task<Result<expr::Value>> run(const WorkflowDefinition& workflow, expr::Value inputs, ThreadId thread, std::string way,
                                GraphProgress& progress, Cancellation& cancel);

  Host& host() { return host_; }
  const Library& library() const { return library_; }

  // Read once for each text. Errors name the file and the place.
  Result<expr::Value> evaluate(const ExpressionText& expression, const Scope& scope);
  Result<bool> holds(const ExpressionText& condition, const Scope& scope);
  Result<expr::Value> evaluate(const TemplateText& text, const Scope& scope);
  Result<std::string> render(const TemplateText& text, const Scope& scope);
  // For a shell: values are quoted; a plain name that renders empty is refused.
  Result<std::string> render_command(const TemplateText& text, const Scope& scope);
  // A YAML tree whose texts are templates.
  Result<expr::Value> evaluate(const YamlNode& value, const Scope& scope);

  Result<const Flow*> flow_of(const WorkflowDefinition& workflow, const Graph& graph);

 private:
  template <class Value>
  using Fill = Result<Value> (expr::Template::*)(const expr::Variables&, std::uint64_t) const;

  Result<const expr::Template*> read(const TemplateText& text, const Scope& scope);
  template <class Value>
  Result<Value> fill(const TemplateText& text, const Scope& scope, Fill<Value> fill);

  Host& host_;
  const Library& library_;
  std::string run_;
  std::map<std::string, expr::Expression, std::less<>> expressions_;  // by text
  std::map<std::string, expr::Template, std::less<>> templates_;      // likewise
  std::map<std::string, Flow, std::less<>> flows_;                    // by the place of the first node
};

// The value of an input from the YAML of the file: of the type that the input has.
expr::Value value_of(const YamlNode& node, std::string_view type);
// With the defaults of what is not given. INVALID_ARGUMENT: one is missing, unknown, or has another type.
Result<expr::Value> complete_inputs(const WorkflowDefinition& workflow, const expr::Value& given);

// One graph, from its first node to its last.
struct GraphPlace {
  Interpreter& interpreter;
  const RunScope& run;
  const Graph& graph;
  GraphProgress& progress;
  ThreadId thread;
  std::string way;  // "" or "repair[2]."
};
// Fails with the first node that FAILED; CANCELLED once `cancel` is set.
Task<Status> run_graph(GraphPlace place, const Scope& scope, Cancellation& cancel);

}  // namespace reliant::workflow

// What the code of a node's type is given, and one function a type, each in a file of its own (graph/nodes/).
#pragma once

#include <string>

#include "base/status.h"
#include "expr/value.h"
#include "runtime/task.h"
#include "workflow/graph/interpreter.h"

namespace reliant::workflow {

// One attempt of a node. Outlives the function's task.
struct NodeRun {
  Interpreter& interpreter;
  const RunScope& run;
  const GraphNode& node;
  NodeProgress& progress;
  const Scope& scope;
  Cancellation& cancel;
  ThreadId thread;
  std::string way;  // to the node: "repair[2].fix"

  Host& host() const { return interpreter.host(); }
  // "w.yaml:3:5: …"
  Status error(Place place, std::string_view message) const { return run.workflow->error(place, message); }
  // Of a node that waits: kWait, then kResume.
  void move(NodeInput input) const;
};

// The output, a map. An error makes the attempt fail.
Task<Result<expr::Value>> act(NodeRun& run, const AgentNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const CallLlmNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const ExecuteToolsNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const RunNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const CalledWorkflowNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const LoopNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const ParallelNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const JoinNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const RouterNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const SaveMessageNode& node);
Task<Result<expr::Value>> act(NodeRun& run, const AskNode& node);

// A map for an output: fields({{"text", value}, …}).
expr::Value fields(std::initializer_list<std::pair<std::string_view, expr::Value>> fields);

// The selector of the node's machine: its own, or the workflow's (R90); null: neither says one.
Result<expr::Value> daemon_of(const NodeRun& run);

// The first call of the model of an agent or a call_llm node, with the fields of its preset; its prompt is in the conversation then.
Task<Result<ModelCall>> begin_model_call(NodeRun& run, const ModelFields& node);

}  // namespace reliant::workflow

// workflow: another file, with inputs of its own. It sees nothing of the one that calls it.
#include "workflow/graph/node_run.h"

namespace reliant::workflow {

Task<Result<expr::Value>> act(NodeRun& run, const CalledWorkflowNode& node) {
  const WorkflowDefinition* called = run.interpreter.library().find(node.workflow);
  if (called == nullptr) co_return run.error(node.place, concat("there is no workflow \"", node.workflow, "\""));
  expr::Value inputs = fields({});
  if (node.args.given()) {
    CO_TRY_ASSIGN(inputs, run.interpreter.evaluate(node.args.value, run.scope));
  }
  co_return co_await run.interpreter.run(*called, std::move(inputs), run.thread, run.way + "/", run.progress.inner[""],
                                         run.cancel);
}

}  // namespace reliant::workflow

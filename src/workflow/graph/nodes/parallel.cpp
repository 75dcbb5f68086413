// parallel: graphs that run side by side. When one fails, the others are cancelled.
#include "base/text.h"
#include "runtime/scope.h"
#include "runtime/this_context.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

Task<void> run_branch(NodeRun& run, const Branch& branch, Cancellation& cancel, Status& failure) {
  const GraphPlace place{run.interpreter, run.run,
                         branch.graph,    run.progress.inner[branch.name],
                         run.thread,      concat(run.way, ".", branch.name, ".")};
  const Status status = co_await run_graph(place, run.scope, cancel);
  if (status.ok() || !failure.ok()) co_return;
  failure = status;
  cancel.set();
}

}  // namespace

Task<Result<expr::Value>> act(NodeRun& run, const ParallelNode& node) {
  Cancellation cancel(&run.cancel);
  Status failure;
  TaskScope branches(co_await ThisContext{});
  for (const Branch& branch : node.branches) branches.spawn(run_branch(run, branch, cancel, failure));
  co_await branches.join();
  if (!failure.ok()) co_return failure;
  expr::Map outputs;
  for (const Branch& branch : node.branches) {
    outputs.insert(expr::Value::string(branch.name), outputs_of(branch.graph, run.progress.inner[branch.name]));
  }
  co_return expr::Value::map(std::move(outputs));
}

}  // namespace reliant::workflow

// router: says which of its cases holds. Its edges are decided by the same conditions when it ends (graph_run.cpp).
#include "workflow/graph/node_run.h"

namespace reliant::workflow {

Task<Result<expr::Value>> act(NodeRun& run, const RouterNode& node) {
  for (const Case& one : node.cases) {
    bool holds = true;
    if (one.condition.given()) {
      CO_TRY_ASSIGN(holds, run.interpreter.holds(one.condition, run.scope));
    }
    if (holds) co_return fields({{"to", expr::Value::string(one.to)}, {"label", expr::Value::string(one.label)}});
  }
  co_return fields(
      {{"to", node.otherwise.empty() ? expr::Value() : expr::Value::string(node.otherwise)}, {"label", expr::Value()}});
}

}  // namespace reliant::workflow

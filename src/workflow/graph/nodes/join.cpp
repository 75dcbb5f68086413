// join: nothing but a place where ways meet; the graph decides when it begins.
#include "workflow/graph/node_run.h"

namespace reliant::workflow {

Task<Result<expr::Value>> act(NodeRun&, const JoinNode&) { co_return fields({}); }

}  // namespace reliant::workflow

// save_message: adds a message to the conversation.
#include "workflow/graph/node_run.h"

namespace reliant::workflow {

Task<Result<expr::Value>> act(NodeRun& run, const SaveMessageNode& node) {
  CO_TRY_ASSIGN(std::string text, run.interpreter.render(node.message.content, run.scope));
  CO_TRY_ASSIGN(std::string id, co_await run.host().save_message(run.thread, node.message.role, std::move(text)));
  co_return fields({{"message", expr::Value::string(std::move(id))}});
}

}  // namespace reliant::workflow

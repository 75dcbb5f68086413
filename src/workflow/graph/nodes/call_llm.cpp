// call_llm: one answer of the model. Its tool calls are an output; execute_tools runs them.
#include "workflow/graph/node_run.h"

namespace reliant::workflow {

Task<Result<expr::Value>> act(NodeRun& run, const CallLlmNode& node) {
  CO_TRY_ASSIGN(ModelCall call, co_await begin_model_call(run, node));
  CO_TRY_ASSIGN(ModelReply reply, co_await run.host().call_model(std::move(call), run.cancel.event()));
  expr::List tools;
  for (RequestedTool& one : reply.tools) {
    tools.push_back(fields({{"id", expr::Value::string(std::move(one.id))},
                            {"tool", expr::Value::string(std::move(one.tool))},
                            {"arguments", expr::Value::string(std::move(one.arguments))}}));
  }
  co_return fields({{"text", expr::Value::string(std::move(reply.text))},
                    {"tool_calls", expr::Value::list(std::move(tools))},
                    {"stop_reason", expr::Value::string(std::move(reply.stop_reason))}});
}

}  // namespace reliant::workflow

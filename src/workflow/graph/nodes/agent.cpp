// agent: asks the model and runs the tools that it calls, side by side, until it answers without one.
#include <vector>

#include "base/text.h"
#include "runtime/all.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

Task<Status> run_tools(NodeRun& run, std::int64_t step, std::vector<RequestedTool> calls, const expr::Value& daemon) {
  std::vector<Task<Result<ToolReply>>> tasks;
  for (std::size_t index = 0; index < calls.size(); ++index) {
    ToolRun tool;
    tool.node = run.way;
    tool.thread = run.thread;
    tool.in_conversation = true;
    tool.step = step;
    tool.index = static_cast<std::int64_t>(index);
    tool.call = std::move(calls[index]);
    tool.daemon = daemon;
    tool.on_daemon_lost = run.node.on_daemon_lost;
    tasks.push_back(run.host().run_tool(std::move(tool), run.cancel.event()));
  }
  const std::vector<Result<ToolReply>> replies = co_await all(std::move(tasks));
  for (const Result<ToolReply>& reply : replies) CO_TRY_OK(reply.status());
  co_return ok_status();
}

std::int64_t most_steps(const NodeRun& run, const AgentNode& node) {
  if (node.max_steps != 0) return node.max_steps;
  const Preset* preset = run.interpreter.library().preset(node.preset);
  return preset != nullptr && preset->max_steps != 0 ? preset->max_steps : kDefaultSteps;
}

}  // namespace

Task<Result<expr::Value>> act(NodeRun& run, const AgentNode& node) {
  CO_TRY_ASSIGN(const expr::Value daemon, daemon_of(run));
  CO_TRY_ASSIGN(ModelCall call, co_await begin_model_call(run, node));
  const std::int64_t most = most_steps(run, node);
  for (call.step = 1; call.step <= most; ++call.step) {
    if (run.cancel.is_set()) co_return cancelled("the agent was cancelled");
    CO_TRY_ASSIGN(ModelReply reply, co_await run.host().call_model(call, run.cancel.event()));
    if (reply.tools.empty()) {
      co_return fields({{"text", expr::Value::string(std::move(reply.text))},
                        {"steps", expr::Value::integer(call.step)},
                        {"stop_reason", expr::Value::string(std::move(reply.stop_reason))}});
    }
    if (run.cancel.is_set()) co_return cancelled("the agent was cancelled");
    CO_TRY_OK(co_await run_tools(run, call.step, std::move(reply.tools), daemon));
  }
  co_return resource_exhausted("the agent took ", most, " steps without an answer; \"max_steps\" allows more");
}

}  // namespace reliant::workflow

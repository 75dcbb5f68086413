// run: a command on the daemon. A value in it is quoted for the shell; one that renders empty is refused before it runs.
#include "base/json.h"
#include "base/text.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

Result<std::string> arguments_of(NodeRun& run, const RunNode& node) {
  json::object arguments;
  TRY_ASSIGN(std::string command, run.interpreter.render_command(node.command, run.scope));
  arguments["command"] = std::move(command);
  if (node.working_dir.given()) {
    TRY_ASSIGN(std::string directory, run.interpreter.render(node.working_dir, run.scope));
    arguments["working_dir"] = std::move(directory);
  }
  json::object environment;
  for (const auto& [name, value] : node.env) {
    TRY_ASSIGN(std::string text, run.interpreter.render(value, run.scope));
    environment[name] = std::move(text);
  }
  if (!environment.empty()) arguments["env"] = std::move(environment);
  return to_json(arguments);
}

}  // namespace

Task<Result<expr::Value>> act(NodeRun& run, const RunNode& node) {
  ToolRun tool;
  tool.node = run.way;
  tool.thread = run.thread;
  tool.step = run.progress.attempts;
  tool.call.tool = "bash";
  CO_TRY_ASSIGN(tool.call.arguments, arguments_of(run, node));
  CO_TRY_ASSIGN(tool.daemon, daemon_of(run));
  tool.on_daemon_lost = run.node.on_daemon_lost;
  tool.timeout = run.node.timeout;
  CO_TRY_ASSIGN(ToolReply reply, co_await run.host().run_tool(std::move(tool), run.cancel.event()));
  if (!reply.data.is(expr::Kind::kMap)) co_return failed_precondition("the command did not run: ", reply.content);
  const expr::Value* code = reply.data.as_map().find("exit_code");
  const bool failed = code == nullptr || !code->is(expr::Kind::kInt) || code->as_int() != 0;
  if (node.check && failed) {
    co_return aborted("the command ended with code ", code == nullptr || !code->is(expr::Kind::kInt) ? -1 : code->as_int(),
                      "; \"check: false\" makes that no failure");
  }
  co_return reply.data;
}

}  // namespace reliant::workflow

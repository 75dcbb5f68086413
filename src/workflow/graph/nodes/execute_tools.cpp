// execute_tools: runs tool calls side by side: those of a model's answer, or of the file's own making.
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "expr/json_value.h"
#include "runtime/all.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

constexpr std::size_t kMostCalls = 64;

std::string text_of(const expr::Value* value) {
  return value != nullptr && value->is(expr::Kind::kString) ? value->as_string() : std::string();
}

// {id?, tool, arguments}: the arguments a map, or the JSON of one.
Result<RequestedTool> requested(const expr::Value& value, const NodeRun& run, Place place) {
  if (!value.is(expr::Kind::kMap)) return run.error(place, "\"calls\" must be a list of maps {tool, arguments}");
  RequestedTool call{text_of(value.as_map().find("id")), text_of(value.as_map().find("tool")), "{}"};
  if (call.tool.empty()) return run.error(place, "a call in \"calls\" has no \"tool\"");
  const expr::Value* arguments = value.as_map().find("arguments");
  if (arguments == nullptr) return call;
  if (arguments->is(expr::Kind::kString)) {
    call.arguments = arguments->as_string();
    return call;
  }
  expr::Budget budget(expr::kDefaultCost);
  TRY_ASSIGN(const json::value json, expr::json_from_value(*arguments, budget));
  call.arguments = to_json(json);
  return call;
}

}  // namespace

Task<Result<expr::Value>> act(NodeRun& run, const ExecuteToolsNode& node) {
  CO_TRY_ASSIGN(const expr::Value calls, run.interpreter.evaluate(node.calls, run.scope));
  CO_TRY_ASSIGN(const expr::Value daemon, daemon_of(run));
  if (!calls.is(expr::Kind::kList)) co_return run.error(node.calls.place, "\"calls\" must be a list of maps {tool, arguments}");
  if (calls.as_list().size() > kMostCalls) {
    co_return run.error(node.calls.place,
                        concat("\"calls\" has ", calls.as_list().size(), " entries; at most ", kMostCalls, " run at a time"));
  }
  std::vector<std::string> names;
  std::vector<Task<Result<ToolReply>>> tasks;
  for (const expr::Value& call : calls.as_list()) {
    ToolRun tool;
    tool.node = run.way;
    tool.thread = run.thread;
    tool.step = run.progress.attempts;
    tool.index = static_cast<std::int64_t>(tasks.size());
    CO_TRY_ASSIGN(tool.call, requested(call, run, node.calls.place));
    tool.in_conversation = !tool.call.id.empty();
    tool.daemon = daemon;
    tool.on_daemon_lost = run.node.on_daemon_lost;
    names.push_back(tool.call.tool);
    tasks.push_back(run.host().run_tool(std::move(tool), run.cancel.event()));
  }
  std::vector<Result<ToolReply>> replies = co_await all(std::move(tasks));
  expr::List results;
  std::int64_t failed = 0;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    CO_TRY_ASSIGN(ToolReply reply, std::move(replies[i]));
    failed += reply.is_error ? 1 : 0;
    results.push_back(fields({{"tool", expr::Value::string(names[i])},
                              {"content", expr::Value::string(std::move(reply.content))},
                              {"is_error", expr::Value::boolean(reply.is_error)}}));
  }
  co_return fields({{"results", expr::Value::list(std::move(results))}, {"failed", expr::Value::integer(failed)}});
}

}  // namespace reliant::workflow

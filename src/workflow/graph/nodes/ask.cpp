// ask: a question or an approval. The node is WAITING until the user has answered, or its timeout has come.
#include "runtime/race.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

Result<std::string> no_answer(NodeRun& run, const AskNode& node) {
  if (!node.otherwise.given()) {
    return deadline_exceeded("no answer came within its timeout of ", run.node.timeout / std::chrono::milliseconds(1), " ms");
  }
  return run.interpreter.render(node.otherwise, run.scope);
}

}  // namespace

Task<Result<expr::Value>> act(NodeRun& run, const AskNode& node) {
  Question question{run.way, node.kind, "", {}};
  CO_TRY_ASSIGN(question.text, run.interpreter.render(node.question, run.scope));
  for (const TemplateText& option : node.options) {
    CO_TRY_ASSIGN(std::string text, run.interpreter.render(option, run.scope));
    question.options.push_back(std::move(text));
  }
  run.move(NodeInput::kWait);
  Result<std::string> answer = std::string();
  if (run.node.timeout == Duration::zero()) {
    answer = co_await run.host().ask(std::move(question), run.cancel.event());
  } else {
    auto first = co_await race(run.host().ask(std::move(question), run.cancel.event()), run.host().sleep(run.node.timeout));
    answer = first.index() == 0 ? std::get<0>(std::move(first)) : no_answer(run, node);
  }
  run.move(NodeInput::kResume);
  if (!answer.ok()) co_return answer.status();
  expr::Value approved;
  if (node.kind == "approval") approved = expr::Value::boolean(*answer == "yes");
  co_return fields({{"answer", expr::Value::string(*std::move(answer))}, {"approved", approved}});
}

}  // namespace reliant::workflow

// What a node asks of the model: its own words, then its preset's.
#include <string>

#include "base/text.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

Result<std::string> first_given(NodeRun& run, const TemplateText& own, const TemplateText* of_preset) {
  const TemplateText* chosen = own.given() || of_preset == nullptr ? &own : of_preset;
  if (!chosen->given()) return std::string();
  return run.interpreter.render(*chosen, run.scope);
}

Result<ModelCall> model_call(NodeRun& run, const ModelFields& node) {
  const Preset* preset = nullptr;
  if (!node.preset.empty()) {
    preset = run.interpreter.library().preset(node.preset);
    if (preset == nullptr) return run.error(run.node.place, concat("there is no preset \"", node.preset, "\""));
  }
  ModelCall call;
  call.node = run.way;
  call.thread = run.thread;
  TRY_ASSIGN(call.model, first_given(run, node.model.name, preset == nullptr ? nullptr : &preset->model.name));
  TRY_ASSIGN(call.system_prompt, first_given(run, node.system_prompt, preset == nullptr ? nullptr : &preset->system_prompt));
  call.max_tokens = node.model.max_tokens != 0 || preset == nullptr ? node.model.max_tokens : preset->model.max_tokens;
  call.tools = node.tools || preset == nullptr ? node.tools : preset->tools;
  return call;
}

}  // namespace

Task<Result<ModelCall>> begin_model_call(NodeRun& run, const ModelFields& node) {
  CO_TRY_ASSIGN(ModelCall call, model_call(run, node));
  if (node.prompt.given()) {
    CO_TRY_ASSIGN(std::string prompt, run.interpreter.render(node.prompt, run.scope));
    CO_TRY_OK((co_await run.host().save_message(run.thread, "user", std::move(prompt))).status());
  }
  if (run.cancel.is_set()) co_return cancelled("the node was cancelled");
  co_return call;
}

}  // namespace reliant::workflow

#include "workflow/testing/scripted_host.h"

#include <utility>

#include "base/text.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

constexpr std::int64_t kSlowestMs = 100;

Status no_answer(std::string_view what, std::string_view node) {
  return failed_precondition("the test has no event that answers ", what, " of node \"", node, "\"; add one to \"events\"");
}

}  // namespace

const TestEvent* ScriptedHost::take(std::string_view node, std::initializer_list<std::string_view> types,
                                    std::string_view tool) {
  for (std::size_t i = 0; i < used_.size(); ++i) {
    const TestEvent& event = test_.events[i];
    if (used_[i] == event.times || !names_node(event.node, node)) continue;
    if (std::find(types.begin(), types.end(), event.type) == types.end()) continue;
    if (!event.tool.empty() && event.tool != tool) continue;
    ++used_[i];
    return &event;
  }
  return nullptr;
}

// Simulated time: the executor of a test moves its clock to the next timer, and no test waits.
Task<Status> ScriptedHost::pass(const TestEvent& event, Event& cancel) {
  const Duration drawn = std::chrono::milliseconds(1 + random_.below(kSlowestMs));
  const auto first = co_await race(sleep_for(event.after.value_or(drawn)), cancel.wait());
  co_return first.index() == 0 ? ok_status() : cancelled("the call was cancelled");
}

Task<Result<ModelReply>> ScriptedHost::call_model(ModelCall call, Event& cancel) {
  const TestEvent* event = take(call.node, {"llm_response", "llm_error"}, "");
  if (event == nullptr) co_return no_answer("the model's call", call.node);
  CO_TRY_OK(co_await pass(*event, cancel));
  if (event->type == "llm_error") co_return unavailable(event->text);
  ModelReply reply;
  reply.text = event->text;
  for (const auto& [tool, arguments] : event->tool_calls) {
    reply.tools.push_back({concat(call.node, "/", call.step, "/", reply.tools.size()), tool, arguments});
  }
  reply.stop_reason = event->stop_reason;
  if (reply.stop_reason.empty()) reply.stop_reason = reply.tools.empty() ? "done" : "tool_use";
  threads_[call.thread].push_back({"assistant", reply.text});
  co_return reply;
}

Task<Result<ToolReply>> ScriptedHost::run_tool(ToolRun run, Event& cancel) {
  const TestEvent* event = take(run.node, {"tool_result", "tool_error", "command"}, run.call.tool);
  if (event == nullptr) co_return no_answer(concat("the tool ", run.call.tool), run.node);
  CO_TRY_OK(co_await pass(*event, cancel));
  if (event->type == "tool_error") co_return unavailable(event->text);
  ToolReply reply;
  reply.content = event->output;
  reply.is_error = event->is_error;
  if (event->type == "command") {
    reply.content = event->standard_output;
    reply.is_error = event->exit_code != 0;
    reply.data = fields({{"exit_code", expr::Value::integer(event->exit_code)},
                         {"stdout", expr::Value::string(event->standard_output)},
                         {"stderr", expr::Value::string(event->standard_error)}});
  }
  if (run.in_conversation) threads_[run.thread].push_back({"tool", reply.content});
  co_return reply;
}

Task<Result<std::string>> ScriptedHost::save_message(ThreadId thread, std::string role, std::string content) {
  std::vector<Said>& said = threads_[thread];
  said.push_back({std::move(role), std::move(content)});
  co_return concat(thread, "/", said.size());
}

Task<Result<std::string>> ScriptedHost::ask(Question question, Event& cancel) {
  const TestEvent* event = take(question.node, {"user_input"}, "");
  if (event == nullptr) {
    co_await cancel.wait();  // a user who does not answer
    co_return cancelled("the question was withdrawn");
  }
  CO_TRY_OK(co_await pass(*event, cancel));
  co_return event->text;
}

Task<void> ScriptedHost::sleep(Duration duration) { co_await sleep_for(duration); }  // simulated time, as in pass()

ThreadId ScriptedHost::fork_thread(const ThreadId& from, std::string name) {
  threads_[name] = threads_[from];
  return name;
}

ThreadId ScriptedHost::new_thread(std::string name) {
  threads_[name].clear();
  return name;
}

void ScriptedHost::changed(NodeChange change) { changes_.push_back(std::move(change)); }

const std::vector<ScriptedHost::Said>& ScriptedHost::conversation(std::string_view thread) const {
  static const std::vector<Said> kNothing;
  const auto found = threads_.find(thread);
  return found == threads_.end() ? kNothing : found->second;
}

std::vector<ScriptedHost::Unused> ScriptedHost::unused() const {
  std::vector<Unused> unused;
  for (std::size_t i = 0; i < used_.size(); ++i) {
    if (used_[i] < test_.events[i].times) unused.push_back({&test_.events[i], used_[i]});
  }
  return unused;
}

}  // namespace reliant::workflow

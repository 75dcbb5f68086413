#include "property/workflow/answering_host.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "base/text.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "workflow/graph/node_run.h"

namespace reliant::tests {

using workflow::NodeState;

AnsweringHost::Located AnsweringHost::locate(std::string_view way) const {
  Located at;
  at.graph = &project_.workflows.front().graph;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = std::min(way.find_first_of(".[/", begin), way.size());
    at.node = at.graph->find(way.substr(begin, end - begin));
    if (at.node == nullptr || end == way.size()) return at;
    at.holders.emplace_back(way.substr(0, end), at.node);
    switch (way[end]) {
      case '[':
        begin = way.find("].", end) + 2;
        at.graph = &at.node->body;
        break;
      case '/':
        begin = end + 1;
        at.graph = &project_.find(at.node->workflow).graph;
        break;
      default: {
        begin = way.find('.', end + 1) + 1;
        const std::string_view name = way.substr(end + 1, begin - end - 2);
        at.graph = &std::ranges::find(at.node->branches, name, &RandomBranch::name)->graph;
        break;
      }
    }
    at.prefix = way.substr(0, begin);
  }
}

void AnsweringHost::offend(std::string_view way, std::string_view what) { offences_.push_back(concat(way, ": ", what)); }

NodeState AnsweringHost::state_of(const std::string& way) const {
  const auto found = seen_.find(way);
  return found == seen_.end() ? NodeState::kPending : found->second.state;
}

void AnsweringHost::changed(workflow::NodeChange change) {
  changes_.push_back(concat(change.node, " ", to_string(change.state), " ", change.attempt, " ", change.error));
  const Located at = locate(change.node);
  if (at.node == nullptr) return offend(change.node, "there is no such node");
  Seen& seen = seen_[change.node];
  const bool along = std::ranges::any_of(workflow::kNodeTransitions, [&](const workflow::NodeTransition& row) {
    return row.from == seen.state && row.to == change.state;
  });
  if (!along) offend(change.node, concat("went from ", to_string(seen.state), " to ", to_string(change.state)));
  const bool begins = change.state == NodeState::kRunning && seen.state != NodeState::kWaiting;
  seen = {change.state, change.attempt};
  if (!begins) return;
  check_begin(change.node, at);
  // What an attempt before did below it is forgotten.
  std::erase_if(seen_, [&](const auto& entry) {
    const std::string& way = entry.first;
    return way.size() > change.node.size() && way.starts_with(change.node) &&
           std::string_view(".[/").find(way[change.node.size()]) != std::string_view::npos;
  });
}

void AnsweringHost::check_begin(const std::string& way, const Located& at) {
  if (cancelled_) offend(way, "began after the run was cancelled");
  for (const auto& [holder, node] : at.holders) {
    if (state_of(holder) != NodeState::kRunning)
      offend(way, concat("began while \"", holder, "\" is ", to_string(state_of(holder))));
    if (node->kind == NodeKind::kLoop) check_rounds(holder, *node);
  }
  for (const RandomNode& node : at.graph->nodes) {
    if (state_of(at.prefix + node.id) == NodeState::kFailed && !node.allow_failure) {
      offend(way, concat("began after \"", node.id, "\" FAILED"));
    }
  }
  std::size_t ended = 0;
  const std::vector<std::string> before = sources(*at.graph, at.node->id);
  for (const std::string& source : before) {
    if (workflow::is_end(state_of(at.prefix + source))) ++ended;
  }
  const std::size_t needed = at.node->any ? std::min<std::size_t>(1, before.size()) : before.size();
  if (ended < needed) offend(way, concat("began after ", ended, " of ", before.size(), " nodes that lead to it"));
}

void AnsweringHost::check_rounds(const std::string& loop, const RandomNode& node) {
  std::set<std::string> rounds;
  for (const auto& [way, seen] : seen_) {
    if (!way.starts_with(loop + "[") || (seen.state != NodeState::kRunning && seen.state != NodeState::kWaiting)) continue;
    rounds.insert(way.substr(0, way.find(']', loop.size())));
  }
  if (rounds.size() > static_cast<std::size_t>(node.parallel)) offend(loop, concat(rounds.size(), " rounds run at a time"));
}

Answer AnsweringHost::answer(std::string_view way, std::string_view part, std::int64_t call) {
  if (cancelled_) offend(way, "made a call after the run was cancelled");
  const NodeState state = state_of(std::string(way));
  if (state != NodeState::kRunning && state != NodeState::kWaiting)
    offend(way, concat("made a call while it is ", to_string(state)));
  std::string key;
  std::size_t begin = 0;
  while (begin < way.size()) {
    const std::size_t end = std::min(way.find_first_of(".[/", begin), way.size());
    key += way.substr(begin, end - begin);
    const auto seen = seen_.find(std::string(way.substr(0, end)));
    if (begin == 0 || way[begin - 1] != '[') {
      if (seen != seen_.end()) key += concat("#", seen->second.attempt);
    }
    if (end < way.size()) key += way[end];
    begin = end + 1;
  }
  return answer_of(seed_, key + std::string(part), call);
}

Task<Status> AnsweringHost::pass(const Answer& answer, Event& cancel) {
  const Duration wait = answer.kind == Answer::Kind::kSlow ? Duration(std::chrono::hours(24 * kSlowDays))
                                                           : Duration(std::chrono::milliseconds(answer.millis));
  const auto first = co_await race(sleep_for(wait), cancel.wait());
  if (first.index() == 1) co_return reliant::cancelled("the call was cancelled");
  if (answer.kind == Answer::Kind::kLost) co_return unavailable("lost");
  if (answer.kind == Answer::Kind::kRefused) co_return permission_denied("refused");
  co_return ok_status();
}

Task<Result<workflow::ModelReply>> AnsweringHost::call_model(workflow::ModelCall call, Event& cancel) {
  std::string& writing = writing_[call.thread];
  if (!writing.empty()) offend(call.node, concat("writes the conversation \"", call.thread, "\" beside ", writing));
  writing = call.node;
  Answer answer = this->answer(call.node, "", call.step);
  if (answer.kind == Answer::Kind::kBad) answer.kind = Answer::Kind::kLost;
  const Status passed = co_await pass(answer, cancel);
  writing_[call.thread].clear();
  CO_TRY_OK(passed);
  workflow::ModelReply reply;
  reply.text = concat("t", answer.value);
  if (answer.value == 3 && locate(call.node).node->kind == NodeKind::kAgent) {
    for (int i = 0; i < 2; ++i) reply.tools.push_back({concat(call.node, "/", call.step, "/", i), "view", "{}"});
  }
  reply.stop_reason = reply.tools.empty() ? "done" : "tool_use";
  co_return reply;
}

Task<Result<workflow::ToolReply>> AnsweringHost::run_tool(workflow::ToolRun run, Event& cancel) {
  workflow::ToolReply reply;
  const NodeKind kind = locate(run.node).node->kind;
  Answer answer;
  if (kind == NodeKind::kRun) {
    answer = this->answer(run.node, "", 1);
  } else {
    answer = kind == NodeKind::kAgent ? this->answer(run.node, "/tool", (run.step * 10) + run.index)
                                      : this->answer(run.node, "", run.index + 1);
    // Errors of tools are results; in an agent none is slow.
    if (answer.kind != Answer::Kind::kBad && (kind == NodeKind::kAgent || answer.kind != Answer::Kind::kSlow))
      answer.kind = Answer::Kind::kGood;
  }
  CO_TRY_OK(co_await pass(answer, cancel));
  reply.content = "content";
  reply.is_error = answer.kind == Answer::Kind::kBad;
  if (kind == NodeKind::kRun) {
    reply.data = workflow::fields({{"exit_code", expr::Value::integer(reply.is_error ? answer.value + 1 : 0)},
                                   {"stdout", expr::Value::string("out")},
                                   {"stderr", expr::Value::string("")}});
  }
  co_return reply;
}

Task<Result<std::string>> AnsweringHost::save_message(workflow::ThreadId thread, std::string, std::string) {
  co_return concat(thread, "/message");
}

Task<Result<std::string>> AnsweringHost::ask(workflow::Question question, Event& cancel) {
  Answer answer = this->answer(question.node, "", 1);
  if (answer.kind != Answer::Kind::kSlow) answer.kind = Answer::Kind::kGood;
  CO_TRY_OK(co_await pass(answer, cancel));
  if (question.kind == "approval") co_return std::string(answer.value < 2 ? "yes" : "no");
  co_return concat("t", answer.value);
}

Task<void> AnsweringHost::sleep(Duration duration) { co_await sleep_for(duration); }

workflow::ThreadId AnsweringHost::fork_thread(const workflow::ThreadId&, std::string name) { return name; }
workflow::ThreadId AnsweringHost::new_thread(std::string name) { return name; }

}  // namespace reliant::tests

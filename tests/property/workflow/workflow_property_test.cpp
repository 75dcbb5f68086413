// Random workflows with random answers on the real interpreter: no outcome outside those that the reference allows, whatever the
// order of what happens at one time; each node follows its state machine; and the same seed gives the same run.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "expr/json_value.h"
#include "property/workflow/answering_host.h"
#include "property/workflow/random_workflow.h"
#include "property/workflow/reference.h"
#include "runtime/executor.h"
#include "runtime/failure_handler.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "workflow/format/library.h"
#include "workflow/graph/interpreter.h"
#include "workflow/graph/node_run.h"

namespace reliant::tests {
namespace {

using workflow::NodeState;

constexpr int kWorkflowsOfACase = 30;
constexpr std::uint64_t kMostSteps = 1'000'000;

struct Run {
  std::optional<Result<expr::Value>> result;
  workflow::GraphProgress progress;
  std::vector<std::string> changes;
  std::vector<std::string> complaints;
};

std::string shown(const expr::Value& value) {
  expr::Budget budget(expr::kDefaultCost);
  const auto json = expr::json_from_value(value, budget);
  return json.ok() ? to_json(*json) : std::string(expr::type_name(value));
}

std::string shown(const Known& known) {
  if (const auto* text = std::get_if<std::string>(&known)) return concat("\"", *text, "\"");
  if (const auto* number = std::get_if<std::int64_t>(&known)) return concat(*number);
  if (const auto* flag = std::get_if<bool>(&known)) return concat(*flag);
  return "null";
}

Task<void> drive(workflow::Interpreter& interpreter, const workflow::WorkflowDefinition& workflow, expr::Value inputs, Run& run,
                 workflow::Cancellation& cancel) {
  run.result = co_await interpreter.run(workflow, std::move(inputs), "", "", run.progress, cancel);
}

Task<void> cancel_after(Duration wait, AnsweringHost& host, workflow::Cancellation& cancel) {
  co_await sleep_for(wait);
  host.cancelled();
  cancel.set();
}

Run run(const RandomProject& project, const workflow::Library& library, std::uint64_t seed, std::uint64_t order,
        std::optional<Duration> cancel_at) {
  Run run;
  FirstFailure failure;
  Executor executor(order);
  executor.set_failure_handler(&failure);
  AnsweringHost host(project, seed);
  workflow::Interpreter interpreter(host, library, "run");
  workflow::Cancellation cancel;
  {
    TaskScope scope(executor, 0);
    const expr::Value inputs =
        workflow::fields({{"flag", expr::Value::boolean(project.flag)}, {"n", expr::Value::integer(project.n)}});
    scope.spawn(drive(interpreter, *library.find("w0"), inputs, run, cancel));
    if (cancel_at) scope.spawn(cancel_after(*cancel_at, host, cancel));
    if (executor.run(kMostSteps) == kMostSteps) run.complaints.emplace_back("the run takes too many steps");
  }
  if (failure.error()) run.complaints.push_back(concat("the interpreter threw: ", what_of(failure.error())));
  if (!run.result && run.complaints.empty()) run.complaints.emplace_back("the run never ends");
  run.changes = host.changes();
  run.complaints.insert(run.complaints.end(), host.offences().begin(), host.offences().end());
  return run;
}

void compare(const std::string& what, const Fields& expected, const expr::Value& actual, std::vector<std::string>& complaints) {
  for (const auto& [name, known] : expected) {
    const expr::Value* value = actual.is(expr::Kind::kMap) ? actual.as_map().find(name) : nullptr;
    const std::string is = value == nullptr ? "absent" : shown(*value);
    if (is != shown(known)) complaints.push_back(concat(what, " has ", name, " = ", is, ", the reference has ", shown(known)));
  }
}

void compare(const std::string& prefix, const workflow::GraphProgress& graph, const Allowed& allowed,
             std::set<std::string>& seen, std::vector<std::string>& complaints) {
  for (const auto& [id, node] : graph.nodes) {
    const std::string way = prefix + id;
    seen.insert(way);
    const auto found = allowed.nodes.find(way);
    if (found == allowed.nodes.end()) {
      complaints.push_back(concat(way, " is ", to_string(node.state), ", and in the reference it never begins"));
      continue;
    }
    if (!found->second.states.contains(node.state)) {
      std::string states;
      for (const NodeState state : found->second.states) states += concat(" ", to_string(state));
      complaints.push_back(concat(way, " is ", to_string(node.state), " (", node.error, "), the reference allows:", states));
    }
    if (node.state == NodeState::kCompleted) compare(way, found->second.output, node.output, complaints);
    for (const auto& [name, inner] : node.inner) {
      const bool number = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
      const std::string below =
          name.empty() ? concat(way, "/") : (number ? concat(way, "[", name, "].") : concat(way, ".", name, "."));
      compare(below, inner, allowed, seen, complaints);
    }
  }
}

std::vector<std::string> judge(Allowed allowed, const Run& run, bool cancelled) {
  std::vector<std::string> complaints = run.complaints;
  if (!run.result) return complaints;
  const Result<expr::Value>& result = *run.result;
  if (cancelled) allow_cancellation(allowed.nodes);
  const std::string end = result.ok() ? "COMPLETED" : concat("FAILED (", message_of(result.status()), ")");
  const bool withdrawn = !result.ok() && result.status().code() == StatusCode::kCancelled;
  if (withdrawn && !cancelled) complaints.push_back(concat("the run is CANCELLED"));
  if (!withdrawn && result.ok() != allowed.completed) complaints.push_back(concat("the run is ", end));
  if (!withdrawn && !result.ok()) {
    const std::string_view message = message_of(result.status());
    const bool named = std::ranges::any_of(allowed.culprits, [&](const std::string& id) {
      return message.starts_with(id) && message.size() > id.size() &&
             std::string_view(":.[/").find(message[id.size()]) != std::string_view::npos;
    });
    if (!named)
      complaints.push_back(concat("the run failed with \"", message, "\", and the first to fail are ",
                                  join(std::vector<std::string>(allowed.culprits.begin(), allowed.culprits.end()), ", ")));
  }
  if (result.ok()) compare("the run", allowed.outputs, *result, complaints);
  std::set<std::string> seen;
  compare("", run.progress, allowed, seen, complaints);
  for (const auto& [way, node] : allowed.nodes) {
    if (!seen.contains(way) && !node.states.contains(NodeState::kPending)) complaints.push_back(concat(way, " never began"));
  }
  return complaints;
}

struct Verdict {
  bool valid = false;
  std::string problem;  // of a file that is not valid
  std::string report;   // "": all held
};

std::string story(const RandomProject& project, std::uint64_t seed, const std::vector<std::string>& complaints,
                  const Run& run) {
  std::string text = concat("RELIANT_WORKFLOW_SEED=", seed, "\n");
  for (const RandomWorkflow& workflow : project.workflows) text += concat("--- ", workflow.name, ".yaml\n", workflow.yaml());
  text += concat("--- inputs: flag ", project.flag, ", n ", project.n, "\n--- changes\n");
  for (const std::string& change : run.changes) text += change + "\n";
  text += "--- not allowed\n";
  for (const std::string& complaint : complaints) text += complaint + "\n";
  return text;
}

Verdict try_workflow(const RandomProject& project, std::uint64_t seed) {
  Verdict verdict;
  workflow::Library library;
  for (const RandomWorkflow& workflow : project.workflows) library.add_workflow(workflow.yaml(), workflow.name + ".yaml");
  library.check_all();
  if (!library.problems().empty()) {
    verdict.problem = message_of(library.problems().front());
    return verdict;
  }
  verdict.valid = true;
  Random random = RandomStreams(seed).stream("runs");
  const Allowed allowed = allowed_outcomes(project, seed);
  for (int i = 0; i < 3 && verdict.report.empty(); ++i) {
    const std::uint64_t order = random.next();
    std::optional<Duration> cancel_at;
    if (i == 2) cancel_at = std::chrono::milliseconds(random.below(1000));
    const Run first = run(project, library, seed, order, cancel_at);
    std::vector<std::string> complaints = judge(allowed, first, cancel_at.has_value());
    if (i == 0 && run(project, library, seed, order, cancel_at).changes != first.changes)
      complaints.emplace_back("the same seed gives another run");
    if (!complaints.empty()) verdict.report = story(project, seed, complaints, first);
  }
  return verdict;
}

RC_GTEST_PROP(RandomWorkflows, EndAsTheReferenceAllows, ()) {
  const auto first = *rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>());
  int valid = 0;
  for (int i = 0; i < kWorkflowsOfACase; ++i) {
    const std::uint64_t seed = mix_bits(first + static_cast<std::uint64_t>(i));
    const Verdict verdict = try_workflow(random_project(seed), seed);
    valid += verdict.valid ? 1 : 0;
    if (!verdict.report.empty()) RC_FAIL(verdict.report);
  }
  RC_ASSERT(valid >= kWorkflowsOfACase * 3 / 4);
}

// Repeats one workflow: RELIANT_WORKFLOW_SEED=…, as a report names it; without it the first one.
TEST(RandomWorkflows, OneSeedEndsAsTheReferenceAllows) {
  const char* text = std::getenv("RELIANT_WORKFLOW_SEED");
  const std::uint64_t seed = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
  const Verdict verdict = try_workflow(random_project(seed), seed);
  EXPECT_EQ(verdict.problem, "");
  EXPECT_EQ(verdict.report, "");
}

}  // namespace
}  // namespace reliant::tests

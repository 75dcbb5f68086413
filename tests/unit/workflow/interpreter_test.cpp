// The interpreter over scripted answers: the order of nodes, failures, loops, branches, conversations.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "workflow/format/library.h"
#include "workflow/graph/interpreter.h"
#include "workflow/graph/node_run.h"
#include "workflow/testing/scripted_host.h"
#include "workflow/testing/test_file.h"
#include "workflow/testing/test_runner.h"

namespace reliant::workflow {
namespace {

// Runs the one test with many seeds; the first complaints.
std::vector<std::string> complaints(std::string_view workflow, std::string_view test, std::string_view other = "") {
  Library library;
  library.add_workflow(workflow, "w.yaml");
  if (!other.empty()) library.add_workflow(other, "other.yaml");
  library.check_all();
  for (const Status& problem : library.problems()) ADD_FAILURE() << problem;
  const auto file = read_test_file(concat("workflow: w\ntests:\n  - name: t\n", test), "t.yaml");
  EXPECT_TRUE(file.ok()) << file.status();
  if (!file.ok()) return {};
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    auto found = run_test(*file, file->tests.front(), library, seed);
    if (!found.empty()) return found;
  }
  return {};
}

using Complaints = std::vector<std::string>;

Task<void> run_to_its_end(Interpreter& interpreter, const WorkflowDefinition& workflow, GraphProgress& progress,
                          Cancellation& cancel) {
  (void)co_await interpreter.run(workflow, fields({}), "", "", progress, cancel);
}

// A run of one test with one seed, step by step.
struct SteppedRun {
  SteppedRun(std::string_view text, std::string_view events)
      : file(*read_test_file(concat("workflow: w\ntests:\n  - name: t\n    expect: {}\n", events), "t.yaml")) {
    library.add_workflow(text, "w.yaml");
    library.check_all();
    for (const Status& problem : library.problems()) ADD_FAILURE() << problem;
    scope.spawn(run_to_its_end(interpreter, *library.find("w"), progress, cancel));
  }
  // What a user sees, each "NODE STATE ATTEMPT".
  std::vector<std::string> changes() const {
    std::vector<std::string> seen;
    for (const NodeChange& change : host.changes()) {
      seen.push_back(concat(change.node, " ", to_string(change.state), " ", change.attempt));
    }
    return seen;
  }

  TestFile file;
  Library library;
  Executor executor{1};
  ScriptedHost host{file.tests.front(), Random(1)};
  Interpreter interpreter{host, library, "run"};
  GraphProgress progress;
  Cancellation cancel;
  TaskScope scope{executor, 0};
};

TEST(Interpreter, RunsNodesOneAfterTheOther) {
  EXPECT_EQ(
      complaints("name: w\nnodes:\n  - {id: a, run: {command: one}}\n  - {id: b, run: {command: 'echo {{ nodes.a.stdout }}'}}\n"
                 "outputs: {text: '{{ nodes.b.stdout }}', code: '{{ nodes.a.exit_code }}'}\n",
                 "    events: [{node: a, type: command, stdout: x}, {node: b, type: command, stdout: y}]\n"
                 "    expect: {outputs: {text: y, code: 0}}\n"),
      Complaints{});
}

TEST(Interpreter, FailsWithTheNodeThatFailed) {
  EXPECT_EQ(complaints("name: w\nnodes:\n  - {id: a, run: {command: one}}\n  - {id: b, run: {command: two}}\n",
                       "    events: [{node: a, type: command, exit_code: 3}]\n"
                       "    expect: {outcome: FAILED, error_node: a, error_contains: 'a: the command ended with code 3', "
                       "not_reached: [b]}\n"),
            Complaints{});
}

TEST(Interpreter, GoesOnAfterAFailureThatIsAllowed) {
  EXPECT_EQ(complaints("name: w\nnodes:\n  - {id: a, allow_failure: true, run: {command: one}}\n"
                       "  - {id: b, condition: nodes.a.status == 'FAILED', run: {command: two}}\n",
                       "    events: [{node: a, type: command, exit_code: 3}, {node: b, type: command}]\n"
                       "    expect: {failed: [a], completed: [b]}\n"),
            Complaints{});
}

TEST(Interpreter, GivesAllNodesToAnExpressionThatUsesTheMap) {
  EXPECT_EQ(complaints("name: w\nnodes:\n  - {id: a, run: {command: one}}\n  - {id: b, run: {command: two}}\n"
                       "outputs: {count: '{{ size(nodes) }}', keys: '{{ nodes.map(id, id).size() + size(nodes.a.stdout) }}'}\n",
                       "    events: [{node: a, type: command, stdout: xy}, {node: b, type: command}]\n"
                       "    expect: {outputs: {count: 2, keys: 4}}\n"),
            Complaints{});
}

TEST(Interpreter, SkipsANodeWhoseConditionIsFalseAndGoesOn) {
  EXPECT_EQ(
      complaints("name: w\nnodes:\n  - {id: a, condition: 'false', run: {command: one}}\n  - {id: b, run: {command: two}}\n"
                 "outputs: {text: '{{ nodes.a.stdout }}'}\n",
                 "    events: [{node: b, type: command}]\n    expect: {skipped: [a], completed: [b]}\n"),
      Complaints{});
}

TEST(Interpreter, FailsANodeWhoseConditionHasNoValue) {
  EXPECT_EQ(complaints("name: w\ninputs: {list: {type: list, default: []}}\n"
                       "nodes:\n  - {id: a, condition: 'inputs.list[3] == 1', run: {command: one}}\n",
                       "    expect: {outcome: FAILED, error_node: a, error_contains: 'w.yaml:4:13: '}\n"),
            Complaints{});
}

TEST(Interpreter, TakesOneWayOfARouterAndSkipsTheOther) {
  EXPECT_EQ(
      complaints("name: w\ninputs: {size: {type: integer, required: true}}\nnodes:\n"
                 "  - {id: r, type: router, cases: [{to: small, condition: inputs.size < 10, label: s}], default: large}\n"
                 "  - {id: small, run: {command: s}}\n  - {id: large, run: {command: l}}\n  - {id: after, run: {command: a}}\n"
                 "edges: [{from: small, to: after}, {from: large, to: after}]\n",
                 "    inputs: {size: 3}\n    events: [{node: small, type: command}, {node: after, type: command}]\n"
                 "    expect: {completed: [small, after], skipped: [large], node_outputs: {r: {to: small, label: s}}}\n"),
      Complaints{});
}

TEST(Interpreter, JoinsWaysThatRanSideBySide) {
  EXPECT_EQ(
      complaints("name: w\nnodes:\n  - {id: a, run: {command: a}}\n  - {id: b, run: {command: b}}\n  - {id: j, join: {}}\n"
                 "  - {id: c, run: {command: 'echo {{ nodes.a.stdout + nodes.b.stdout }}'}}\n"
                 "edges: [{from: a, to: j}, {from: b, to: j}, {from: j, to: c}]\n",
                 "    events: [{node: a, type: command}, {node: b, type: command}, {node: c, type: command}]\n"
                 "    expect: {completed: [a, b, j, c]}\n"),
      Complaints{});
}

TEST(Interpreter, CancelsWhatRunsBesideANodeThatFailed) {
  EXPECT_EQ(
      complaints("name: w\nnodes:\n  - {id: a, run: {command: a}}\n  - {id: b, run: {command: b}}\nentry: [a, b]\n",
                 "    events: [{node: a, type: command, exit_code: 1, after_ms: 5}, {node: b, type: command, after_ms: 5000}]\n"
                 "    expect: {outcome: FAILED, failed: [a], not_reached: [b]}\n"),
      Complaints{});
}

TEST(Interpreter, RetriesWithPausesUntilANodeSucceeds) {
  EXPECT_EQ(complaints("name: w\nnodes: [{id: a, retry: {attempts: 3}, run: {command: a}}]\n",
                       "    events: [{node: a, type: command, exit_code: 1, times: 2}, {node: a, type: command, stdout: ok}]\n"
                       "    expect: {node_outputs: {a: {stdout: ok}}}\n"),
            Complaints{});
}

TEST(Interpreter, ReportsEachAttemptOfANodeWhenItBegins) {
  SteppedRun run("name: w\nnodes: [{id: a, retry: {attempts: 3}, run: {command: a}}]\n",
                 "    events: [{node: a, type: command, exit_code: 1}, {node: a, type: command}]\n");
  run.executor.run();
  EXPECT_EQ(run.changes(), (std::vector<std::string>{"a RUNNING 1", "a RUNNING 2", "a COMPLETED 2"}));
}

TEST(Interpreter, AsksNoSecondTimeAfterTheTimeout) {
  SteppedRun run("name: w\nnodes: [{id: q, timeout: 1h, retry: {attempts: 3}, ask: {question: 'Go on?'}}]\n", "");
  run.executor.run();
  EXPECT_EQ(run.changes(), (std::vector<std::string>{"q RUNNING 1", "q WAITING 1", "q RUNNING 1", "q FAILED 1"}));
}

TEST(Interpreter, MakesNoCallForANodeThatIsCancelledBeforeIt) {
  SteppedRun run("name: w\nnodes: [{id: a, run: {command: a}}]\n", "    events: [{node: a, type: command}]\n");
  while (run.changes().empty()) run.executor.step();
  run.cancel.set();
  run.executor.run();
  EXPECT_EQ(run.changes(), (std::vector<std::string>{"a RUNNING 1", "a CANCELLED 1"}));
  EXPECT_EQ(run.host.unused().size(), 1u);
}

TEST(Interpreter, FailsANodeThatTakesLongerThanItsTimeout) {
  EXPECT_EQ(complaints("name: w\nnodes: [{id: a, timeout: 1s, run: {command: a}}]\n",
                       "    events: [{node: a, type: command, after_ms: 2000}]\n"
                       "    expect: {outcome: FAILED, error_contains: timeout of 1000 ms}\n"),
            Complaints{});
}

TEST(Interpreter, RunsTheToolsOfAnAgentUntilItAnswers) {
  EXPECT_EQ(
      complaints(
          "name: w\nnodes: [{id: a, agent: {prompt: 'Look at {{ workflow.name }}'}}]\noutputs: {text: '{{ nodes.a.text }}'}\n",
          "    events:\n"
          "      - {node: a, type: llm_response, text: looking, tool_calls: [{tool: view, arguments: {path: x}}, {tool: ls}]}\n"
          "      - {node: a, type: tool_result, tool: ls, output: files}\n"
          "      - {node: a, type: tool_result, tool: view, output: text}\n"
          "      - {node: a, type: llm_response, text: done}\n"
          "    expect: {outputs: {text: done}, node_outputs: {a: {steps: 2}}, messages: [Look at w, looking, done]}\n"),
      Complaints{});
}

TEST(Interpreter, TakesThePresetsStepsOnlyWhereTheNodeHasNone) {
  Library library;
  library.add_preset("max_steps: 1\n", "brief.yaml");
  library.add_workflow(
      "name: w\nnodes:\n  - {id: own, allow_failure: true, agent: {preset: brief, max_steps: 2}}\n"
      "  - {id: of_preset, allow_failure: true, agent: {preset: brief}}\n",
      "w.yaml");
  const auto file = read_test_file(
      "workflow: w\ntests:\n  - name: t\n    events:\n"
      "      - {node: own, type: llm_response, tool_calls: [{tool: ls}], times: 2}\n"
      "      - {node: own, type: tool_result, times: 2}\n"
      "      - {node: of_preset, type: llm_response, tool_calls: [{tool: ls}]}\n"
      "      - {node: of_preset, type: tool_result}\n"
      "    expect: {failed: [own, of_preset]}\n",
      "t.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(run_test(*file, file->tests.front(), library, 1), Complaints{});
}

TEST(Interpreter, RunsALoopOverItemsSideBySide) {
  EXPECT_EQ(
      complaints(
          "name: w\nnodes:\n  - id: l\n    type: loop\n    items: \"['a', 'b', 'c']\"\n    parallel: 2\n"
          "    nodes: [{id: x, run: {command: 'echo {{ iter.item }} {{ iter.index }}'}}]\n"
          "outputs: {second: '{{ nodes.l.results[1].x.stdout }}'}\n",
          "    events:\n      - {node: 'l[1].x', type: command, stdout: two}\n      - {node: x, type: command, times: 2}\n"
          "    expect: {node_outputs: {l: {iterations: 3, completed: 3, failed: 0}}, outputs: {second: two}}\n"),
      Complaints{});
}

TEST(Interpreter, LoopsAsLongAsTheConditionHolds) {
  EXPECT_EQ(complaints("name: w\nnodes:\n  - id: l\n    type: loop\n    while: output.x.exit_code != 0\n    max_iterations: 5\n"
                       "    nodes: [{id: x, run: {command: make, check: false}}]\n",
                       "    events: [{node: x, type: command, exit_code: 1, times: 2}, {node: x, type: command}]\n"
                       "    expect: {node_outputs: {l: {iterations: 3}}}\n"),
            Complaints{});
}

TEST(Interpreter, BoundsALoopThatNeverEnds) {
  EXPECT_EQ(
      complaints(
          "name: w\nnodes:\n  - {id: l, type: loop, while: 'true', max_iterations: 4, nodes: [{id: x, run: {command: x}}]}\n",
          "    events: [{node: x, type: command, times: 4}]\n"
          "    expect: {outcome: FAILED, error_contains: the loop took 4 rounds}\n"),
      Complaints{});
}

TEST(Interpreter, CountsTheRoundsThatFailedWhenTheLoopGoesOn) {
  EXPECT_EQ(complaints("name: w\nnodes:\n  - {id: l, type: loop, items: '[1, 2, 3]', on_failure: continue, nodes: [{id: x, "
                       "run: {command: x}}]}\n",
                       "    events: [{node: 'l[1].x', type: command, exit_code: 9}, {node: x, type: command, times: 2}]\n"
                       "    expect: {node_outputs: {l: {iterations: 3, completed: 2, failed: 1}}}\n"),
            Complaints{});
}

TEST(Interpreter, CancelsTheOtherBranchesWhenOneFails) {
  EXPECT_EQ(
      complaints(
          "name: w\nnodes:\n  - id: p\n    type: parallel\n    branches:\n      left: {nodes: [{id: a, run: {command: a}}]}\n"
          "      right: {nodes: [{id: b, run: {command: b}}]}\n",
          "    events: [{node: p.left.a, type: command, exit_code: 1, after_ms: 1}, {node: b, type: command, after_ms: 900}]\n"
          "    expect: {outcome: FAILED, failed: [a, p], not_reached: [b]}\n"),
      Complaints{});
}

TEST(Interpreter, RunsAnotherWorkflowWithInputsOfItsOwn) {
  EXPECT_EQ(complaints("name: w\nnodes: [{id: c, type: workflow, workflow: other, args: {depth: '{{ 1 + 2 }}'}}]\noutputs: "
                       "{twice: '{{ nodes.c.twice }}'}\n",
                       "    events: [{node: c/x, type: command}]\n    expect: {outputs: {twice: 6}}\n",
                       "name: other\ninputs: {depth: {type: integer, required: true}}\nnodes: [{id: x, run: {command: x}}]\n"
                       "outputs: {twice: '{{ inputs.depth * 2 }}'}\n"),
            Complaints{});
}

TEST(Interpreter, WaitsForTheUsersAnswerAndTakesTheDefaultAfterTheTimeout) {
  const std::string workflow =
      "name: w\nnodes: [{id: q, timeout: 1h, type: ask, kind: approval, question: 'Go on?', default: 'no'}]\noutputs: {go: '{{ "
      "nodes.q.approved }}'}\n";
  EXPECT_EQ(complaints(workflow, "    events: [{node: q, type: user_input, text: 'yes'}]\n    expect: {outputs: {go: true}}\n"),
            Complaints{});
  EXPECT_EQ(complaints(workflow, "    expect: {outputs: {go: false}}\n"), Complaints{});
}

TEST(Interpreter, RefusesInputsThatTheFileDoesNotDescribe) {
  const std::string workflow = "name: w\ninputs: {depth: {type: integer, default: 1}}\nnodes: [{id: x, run: {command: x}}]\n";
  EXPECT_EQ(
      complaints(workflow, "    inputs: {dept: 1}\n    expect: {outcome: FAILED, error_contains: 'did you mean \"depth\"?'}\n"),
      Complaints{});
  EXPECT_EQ(
      complaints(workflow,
                 "    inputs: {depth: deep}\n    expect: {outcome: FAILED, error_contains: must be of the type integer}\n"),
      Complaints{});
}

TEST(WorkflowTest, FailsWhenACallHasNoEventAndWhenAnEventIsNotUsed) {
  const std::string workflow = "name: w\nnodes: [{id: x, run: {command: x}}]\n";
  EXPECT_EQ(
      complaints(workflow, "    expect: {}\n"),
      (Complaints{
          "t.yaml:3:5: t: the run is FAILED (x: the test has no event that answers the tool bash of node \"x\"; add one to "
          "\"events\"), expected COMPLETED"}));
  EXPECT_EQ(complaints(workflow, "    events: [{node: x, type: command}, {node: y, type: command}]\n    expect: {}\n").size(),
            1U);
}

}  // namespace
}  // namespace reliant::workflow

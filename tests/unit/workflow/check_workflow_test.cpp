// What is wrong with a workflow although it can be read, and how it is drawn.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "workflow/format/check.h"
#include "workflow/format/draw.h"
#include "workflow/format/flow.h"

namespace reliant::workflow {
namespace {

std::vector<std::string> problems(std::string_view text, const Surroundings& surroundings = {}) {
  const auto workflow = read_workflow(text, "w.yaml");
  EXPECT_TRUE(workflow.ok()) << workflow.status();
  std::vector<std::string> messages;
  if (!workflow.ok()) return messages;
  for (const Status& problem : check(*workflow, surroundings)) messages.emplace_back(message_of(problem));
  return messages;
}

using Problems = std::vector<std::string>;

std::string nodes(std::string_view list) { return concat("name: w\nnodes:\n", list); }

TEST(CheckWorkflow, FindsACycleAndNamesItsNodes) {
  EXPECT_EQ(problems(nodes("  - {id: a, run: {command: x}}\n  - {id: b, run: {command: x}}\n  - {id: c, run: {command: x}}\n"
                           "edges: [{from: a, to: b}, {from: b, to: c}, {from: c, to: b}]\n")),
            (Problems{"w.yaml:4:5: the edges make a cycle: b -> c -> b; a loop node repeats"}));
}

TEST(CheckWorkflow, FindsEdgesThatNameNoNode) {
  EXPECT_EQ(problems(nodes("  - {id: plan, run: {command: x}}\nedges: [{from: plam, to: plan}]\n")),
            (Problems{"w.yaml:4:9: \"from\" names \"plam\", and this graph has no such node; did you mean \"plan\"?"}));
}

TEST(CheckWorkflow, FindsANodeThatIsNeverReached) {
  EXPECT_EQ(problems(nodes("  - {id: a, run: {command: x}}\n  - {id: b, run: {command: x}}\nentry: [a]\n")),
            (Problems{"w.yaml:4:5: node \"b\" is never reached: no edge leads to it, and \"entry\" does not name it"}));
}

TEST(CheckWorkflow, FindsTwoNodesThatWouldAddToOneConversationAtATime) {
  const std::string both = "  - {id: a, agent: {}}\n  - {id: b, agent: {}THREAD}\nentry: [a, b]\n";
  std::string text = nodes(both);
  EXPECT_EQ(problems(text.replace(text.find("THREAD"), 6, "")).size(), 1U);
  text = nodes(both);
  EXPECT_EQ(problems(text.replace(text.find("THREAD"), 6, ", thread: fork")), Problems{});
}

TEST(CheckWorkflow, AllowsOneConversationOnWaysThatExcludeOneAnother) {
  EXPECT_EQ(problems(nodes("  - {id: r, type: router, cases: [{to: a, condition: 'true'}], default: b}\n"
                           "  - {id: a, agent: {}}\n  - {id: b, agent: {}}\n  - {id: c, agent: {}}\n"
                           "edges: [{from: a, to: c}, {from: b, to: c}]\n")),
            Problems{});
}

TEST(CheckWorkflow, FindsParallelPartsThatShareAConversation) {
  EXPECT_EQ(problems(nodes("  - {id: l, type: loop, items: '[1]', parallel: 2, nodes: [{id: a, agent: {}}]}\n")).size(), 1U);
  EXPECT_EQ(problems(nodes("  - id: p\n    type: parallel\n    branches: {x: {nodes: [{id: a, agent: {}}]}, y: {nodes: [{id: "
                           "b, agent: {}}]}}\n"))
                .size(),
            1U);
  EXPECT_EQ(problems(nodes("  - {id: l, type: loop, items: '[1]', parallel: 2, nodes: [{id: a, thread: new, agent: {}}]}\n")),
            Problems{});
}

TEST(CheckWorkflow, FindsParallelPartsThatShareAConversationOfTheNodeThatHoldsThem) {
  EXPECT_EQ(
      problems(nodes("  - {id: l, type: loop, thread: fork, items: '[1]', parallel: 2, nodes: [{id: a, agent: {}}]}\n")).size(),
      1U);
  EXPECT_EQ(
      problems(nodes("  - id: p\n    type: parallel\n    thread: new\n    branches: {x: {nodes: [{id: a, agent: {}}]}, y: "
                     "{nodes: [{id: b, agent: {}}]}}\n"))
          .size(),
      1U);
}

TEST(CheckWorkflow, FindsLoopsWithoutAnEnd) {
  EXPECT_EQ(problems(nodes("  - {id: l, type: loop, nodes: [{id: a, run: {command: x}}]}\n")),
            (Problems{"w.yaml:3:5: loop \"l\" needs one of \"items\" and \"while\""}));
}

TEST(CheckWorkflow, ChecksTheDefaultsOfInputs) {
  EXPECT_EQ(problems("name: w\ninputs:\n  a: {type: integer, default: many}\n  b: {type: enum}\n  c: {}\n"
                     "nodes: [{id: n, run: {command: x}}]\n"),
            (Problems{"w.yaml:3:22: the default of input \"a\" must be of the type integer",
                      "w.yaml:4:3: input \"b\" is an enum and needs \"values\"",
                      "w.yaml:5:3: input \"c\" needs a \"default\", or \"required: true\""}));
}

TEST(CheckWorkflow, FindsSelectorsThatNoDaemonCanFit) {
  const std::vector<std::string> found = problems(
      "name: w\ndaemon: {type: lokal}\nnodes:\n  - {id: a, daemon: {labels: {gpu: [1]}}, run: {command: x}}\n"
      "  - {id: b, daemon: {name: n, color: red}, run: {command: x}}\n  - {id: c, daemon: '{{ inputs }}', run: {command: "
      "x}}\n");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(found[0].starts_with("w.yaml:2:1: ")) << found[0];
  EXPECT_NE(found[0].find("lokal"), std::string::npos) << found[0];
  EXPECT_TRUE(found[1].starts_with("w.yaml:4:")) << found[1];
  EXPECT_TRUE(found[2].starts_with("w.yaml:5:")) << found[2];
}

TEST(CheckWorkflow, ChecksTheInputsOfAWorkflowThatItCalls) {
  const auto called = read_workflow(
      "name: called\ninputs: {depth: {type: integer, required: true}}\nnodes: [{id: n, run: {command: x}}]\n", "c.yaml");
  ASSERT_TRUE(called.ok());
  Surroundings surroundings;
  surroundings.find_workflow = [&](std::string_view name) { return name == "called" ? &*called : nullptr; };
  EXPECT_EQ(problems(nodes("  - {id: a, type: workflow, workflow: called, args: {dept: 3}}\n"), surroundings),
            (Problems{"w.yaml:3:54: workflow \"called\" has no input \"dept\"; did you mean \"depth\"?",
                      "w.yaml:3:29: \"args\" of \"a\" lacks \"depth\", which workflow \"called\" requires"}));
  EXPECT_EQ(problems(nodes("  - {id: a, type: workflow, workflow: gone}\n"), surroundings).size(), 1U);
}

TEST(CheckWorkflow, FindsNamesThatDoNotExist) {
  EXPECT_EQ(
      problems(
          "name: w\ninputs: {depth: {type: integer, default: 1}}\nnodes:\n  - {id: a, run: {command: 'x {{ inputs.dept }}'}}\n"
          "  - {id: b, condition: nodes.aa.exit_code == 0, run: {command: x}}\n"),
      (Problems{"w.yaml:4:19: there is no input \"dept\"; did you mean \"depth\"?",
                "w.yaml:5:13: there is no node \"aa\"; did you mean \"a\"?"}));
}

TEST(CheckWorkflow, FindsANodeThatMayNotHaveRun) {
  EXPECT_EQ(
      problems(nodes("  - {id: a, condition: nodes.b.exit_code == 0, run: {command: x}}\n  - {id: b, run: {command: x}}\n")),
      (Problems{
          "w.yaml:3:13: node \"b\" may not have run here; only nodes that surely ended before can be named (nodes.?b allows "
          "for that)"}));
}

TEST(CheckWorkflow, FindsErrorsOfTypes) {
  const Problems found =
      problems(nodes("  - {id: a, run: {command: x}}\n  - {id: b, condition: nodes.a.exit_code, run: {command: x}}\n"
                     "  - {id: c, condition: nodes.a.stdout > 3, run: {command: x}}\n"));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], "w.yaml:4:13: the condition gives int; it must give a bool");
  EXPECT_TRUE(found[1].starts_with("w.yaml:5:13: ")) << found[1];
}

TEST(CheckWorkflow, KnowsTheNamesOfALoop) {
  EXPECT_EQ(
      problems(nodes(
          "  - {id: l, type: loop, while: output.x.exit_code != 0, nodes: [{id: x, run: {command: 'x {{ iter.index }}'}}]}\n")),
      Problems{});
  EXPECT_EQ(
      problems(nodes("  - {id: l, type: loop, while: output.y.exit_code != 0, nodes: [{id: x, run: {command: x}}]}\n")).size(),
      1U);
  EXPECT_EQ(problems(nodes("  - {id: x, run: {command: 'x {{ iter.index }}'}}\n")).size(), 1U);
}

TEST(Flow, KnowsWhatEndedBefore) {
  const auto workflow =
      read_workflow(nodes("  - {id: a, run: {command: x}}\n  - {id: b, run: {command: x}}\n  - {id: c, run: {command: x}}\n"
                          "  - {id: all, join: {}}\n  - {id: any, join: {mode: any}}\n"
                          "edges: [{from: a, to: [b, c]}, {from: b, to: [all, any]}, {from: c, to: [all, any]}]\n"),
                    "w.yaml");
  ASSERT_TRUE(workflow.ok()) << workflow.status();
  const auto flow = resolve(*workflow, workflow->graph);
  ASSERT_TRUE(flow.ok()) << flow.status();
  EXPECT_EQ(flow->nodes[3].before, (std::set<std::size_t>{0, 1, 2}));
  EXPECT_EQ(flow->nodes[4].before, (std::set<std::size_t>{0}));
  EXPECT_TRUE(flow->side_by_side(1, 2));
  EXPECT_FALSE(flow->side_by_side(0, 2));
}

TEST(Flow, KnowsThatAJoinOfAllMayBeSkippedEarly) {
  const std::string graph =
      "  - {id: a, run: {command: x}}\n  - {id: b, run: {command: x}}\n  - {id: c, run: {command: x}}\n"
      "  - {id: j, join: {}}\n  - {id: f, run: {command: 'echo {{ nodes.b.stdout }}'}}\n"
      "edges: [{from: a, cases: [{to: j, condition: nodes.a.stdout == ''}]}, {from: b, to: j}, {from: j, to: f}, {from: c, to: "
      "f}]\n";
  const auto workflow = read_workflow(nodes(graph), "w.yaml");
  ASSERT_TRUE(workflow.ok()) << workflow.status();
  const auto flow = resolve(*workflow, workflow->graph);
  ASSERT_TRUE(flow.ok()) << flow.status();
  EXPECT_EQ(flow->nodes[4].before, (std::set<std::size_t>{2, 3}));
  EXPECT_TRUE(flow->side_by_side(1, 4));
  EXPECT_EQ(problems(nodes(graph)).size(), 1U);
}

TEST(DrawWorkflow, WritesMermaidAndDot) {
  const auto workflow = read_workflow(
      nodes("  - {id: r, type: router, cases: [{to: a, condition: '1 < 2', label: small}], default: l}\n"
            "  - {id: a, agent: {}}\n"
            "  - {id: l, type: loop, while: 'false', nodes: [{id: x, run: {command: x}}, {id: y, run: {command: x}}]}\n"),
      "w.yaml");
  ASSERT_TRUE(workflow.ok()) << workflow.status();
  EXPECT_EQ(draw(*workflow, DrawingLanguage::kMermaid).value_or("refused"),
            "flowchart TD\n"
            "  r[\"r: router\"]\n"
            "  a[\"a: agent\"]\n"
            "  l[\"l: loop\"]\n"
            "  subgraph l_body[\"l\"]\n"
            "    l__x[\"x: run\"]\n"
            "    l__y[\"y: run\"]\n"
            "    l__x --> l__y\n"
            "  end\n"
            "  r -->|\"small\"| a\n"
            "  r -->|\"default\"| l\n");
  EXPECT_TRUE(draw(*workflow, DrawingLanguage::kDot)
                  .value_or("")
                  .starts_with("digraph \"w\" {\n  node [shape=box];\n  r [label=\"r: router\"];\n"));
}

}  // namespace
}  // namespace reliant::workflow

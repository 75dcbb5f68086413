// Workflow files as they are read: both forms of nodes, every type, and the errors of bad input.

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "base/json.h"
#include "base/text.h"
#include "workflow/format/definition.h"

namespace reliant::workflow {
namespace {

WorkflowDefinition read(std::string_view text) {
  auto workflow = read_workflow(text, "w.yaml");
  EXPECT_TRUE(workflow.ok()) << workflow.status();
  return workflow.ok() ? *std::move(workflow) : WorkflowDefinition{};
}

std::string refusal(std::string_view text) {
  const auto workflow = read_workflow(text, "w.yaml");
  EXPECT_FALSE(workflow.ok()) << text;
  return workflow.ok() ? "" : std::string(message_of(workflow.status()));
}

// The seed's example of R99: a map of ids, the type as a key, the model as a map.
TEST(ReadWorkflow, ReadsTheMapFormOfNodes) {
  const WorkflowDefinition workflow = read(R"(
name: split
daemon: local
nodes:
  local_work:
    agent:
      model: { name: claude-sonnet }
      system_prompt: "Handle local file operations"
  cloud_work:
    daemon: cloud
    agent:
      model: { name: claude-sonnet }
      system_prompt: "Run compute-intensive tasks"
)");
  EXPECT_EQ(workflow.daemon.value.scalar, "local");
  ASSERT_EQ(workflow.graph.nodes.size(), 2U);
  const GraphNode& second = workflow.graph.nodes[1];
  EXPECT_EQ(second.id, "cloud_work");
  EXPECT_EQ(second.type(), "agent");
  EXPECT_EQ(second.daemon.value.scalar, "cloud");
  const auto& agent = std::get<AgentNode>(second.action);
  EXPECT_EQ(agent.model.name.text, "claude-sonnet");
  EXPECT_EQ(agent.system_prompt.text, "Run compute-intensive tasks");
  EXPECT_TRUE(workflow.graph.sequential());
}

TEST(ReadWorkflow, ReadsTheListFormOfNodes) {
  const WorkflowDefinition workflow = read(R"(
name: every-type
inputs:
  dir: {type: string, required: true}
  depth: {type: integer, default: 3}
nodes:
  - {id: a, type: agent, model: fast, prompt: hello, tools: [view, "tag:readonly"], preset: careful, max_steps: 7}
  - {id: b, type: call_llm, prompt: choose}
  - {id: c, type: execute_tools, calls: nodes.b.tool_calls}
  - {id: d, type: run, command: "ls {{ inputs.dir }}", working_dir: src, env: {LANG: C}, check: false, timeout: 90s}
  - {id: e, type: workflow, workflow: "project://other", args: {depth: "{{ inputs.depth }}", deep: {list: [1, "{{ inputs.dir }}"]}}}
  - id: f
    type: loop
    items: "[1, 2]"
    parallel: 2
    on_failure: continue
    nodes: [{id: g, run: {command: "true"}}]
  - id: h
    type: parallel
    branches:
      left: {nodes: [{id: i, type: run, command: "true"}]}
      right: {nodes: {j: {run: {command: "true"}}}}
  - {id: k, type: join, mode: any}
  - {id: l, type: router, cases: [{to: m, condition: "true", label: yes}], default: n}
  - {id: m, type: save_message, role: assistant, content: done}
  - {id: n, type: ask, kind: approval, question: "Go on?", options: [a, b], default: "no", retry: {attempts: 3}}
edges:
  - {from: a, to: [b, c]}
  - {from: b, cases: [{to: d, condition: "1 < 2"}], default: e}
entry: [a]
outputs:
  text: "{{ nodes.a.text }}"
)");
  ASSERT_EQ(workflow.graph.nodes.size(), 11U);
  EXPECT_EQ(workflow.inputs[1].fallback.value.scalar, "3");
  const auto& run = std::get<RunNode>(workflow.graph.nodes[3].action);
  EXPECT_FALSE(run.check);
  EXPECT_EQ(run.env[0].second.text, "C");
  EXPECT_EQ(workflow.graph.nodes[3].timeout, std::chrono::seconds(90));
  const auto& loop = std::get<LoopNode>(workflow.graph.nodes[5].action);
  EXPECT_EQ(loop.on_failure, "continue");
  EXPECT_EQ(loop.body.nodes[0].type(), "run");
  EXPECT_EQ(std::get<ParallelNode>(workflow.graph.nodes[6].action).branches[1].graph.nodes[0].id, "j");
  EXPECT_EQ(std::get<AskNode>(workflow.graph.nodes[10].action).options.size(), 2U);
  EXPECT_EQ(workflow.graph.edges[0].to, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(workflow.graph.edges[1].otherwise, "e");
  EXPECT_FALSE(workflow.graph.sequential());
}

TEST(ReadWorkflow, NamesThePlaceAndTheRemedy) {
  EXPECT_EQ(refusal("name: w\nnodes:\n  - {id: a, type: agnet, prompt: hi}\n"),
            "w.yaml:3:13: \"agnet\" is no type of node; did you mean \"agent\"? Known are agent, call_llm, execute_tools, run, "
            "workflow, loop, parallel, join, router, save_message, ask");
  EXPECT_EQ(refusal("name: w\nnodes:\n  - {id: a, type: run}\n"),
            "w.yaml:3:5: key \"command\" is missing: for the shell of the daemon; values are quoted unless they are raw");
  EXPECT_EQ(refusal("name: w\nnodes: []\n"), "w.yaml:2:1: \"nodes\" is empty; it needs a node");
  EXPECT_EQ(refusal("name: w\n"), "w.yaml:1:1: key \"nodes\" is missing");
  EXPECT_EQ(refusal("name: 7w\nnodes: [{id: a, run: {command: x}}]\n"),
            "w.yaml:1:1: \"name\" is \"7w\"; it must be letters, digits, \"-\" and \"_\", a letter first, at most 64");
  EXPECT_EQ(refusal("name: w\nnodes:\n  - {id: a, run: {command: x}}\n  - {id: a, run: {command: y}}\n"),
            "w.yaml:4:5: the id \"a\" is given twice; ids are unique in their list");
  EXPECT_EQ(refusal("name: w\nnodes: [{id: a-b, run: {command: x}}]\n"),
            "w.yaml:2:10: \"a-b\" must be letters, digits and \"_\", a letter first, at most 64: expressions name it");
  EXPECT_EQ(refusal("name: w\nnodes: [{id: a, type: run, command: x, timeout: 5 min}]\n"),
            "w.yaml:2:40: \"timeout\" must be a time from 0s to 720h, such as 500ms, 30s, 5m or 2h");
  EXPECT_EQ(refusal("name: w\nnodes: [{id: a, type: join, mode: most}]\n"), "w.yaml:2:29: \"mode\" must be one of all, any");
}

TEST(ReadWorkflow, RefusesUnknownKeysWhereTheyStand) {
  EXPECT_TRUE(
      refusal("name: w\nnode: []\nnodes: [{id: a, run: {command: x}}]\n").starts_with("w.yaml:2:1: unknown key \"node\""));
  EXPECT_TRUE(refusal("name: w\nnodes: [{id: a, type: run, command: x, promt: y}]\n").starts_with("w.yaml:2:40: unknown key"));
  EXPECT_TRUE(refusal("name: w\nnodes: [{id: a, run: {command: x, promt: y}}]\n").starts_with("w.yaml:2:35: unknown key"));
}

TEST(ReadWorkflow, BoundsHowDeepGraphsAreNested) {
  std::string text = "name: w\nnodes: ";
  for (int depth = 0; depth < 20; ++depth) text += "[{id: a, type: loop, while: 'false', nodes: ";
  text += "[{id: a, run: {command: x}}]";
  for (int depth = 0; depth < 20; ++depth) text += "}]";
  EXPECT_NE(refusal(text).find("nested"), std::string::npos);
}

TEST(ReadPreset, TakesItsNameFromItsFile) {
  const auto preset =
      read_preset("model: fast\nsystem_prompt: Be brief.\ntools: []\nmax_steps: 3\n", ".reliant/presets/brief.yaml");
  ASSERT_TRUE(preset.ok()) << preset.status();
  EXPECT_EQ(preset->name, "brief");
  ASSERT_TRUE(preset->tools.has_value());
  EXPECT_TRUE(preset->tools->empty());
  EXPECT_EQ(preset->max_steps, 3);
}

TEST(WorkflowSchema, DescribesEachTypeInBothForms) {
  const auto schema = parse_json(workflow_schema());
  ASSERT_TRUE(schema.ok()) << schema.status();
  const json::object& definitions = schema->as_object().at("$defs").as_object();
  EXPECT_EQ(definitions.at("node").as_object().at("oneOf").as_array().size(), 2 * std::variant_size_v<NodeAction>);
  const json::object& run = definitions.at("node").as_object().at("oneOf").as_array()[3].as_object();
  EXPECT_EQ(run.at("properties").as_object().at("type").as_object().at("const").as_string(), "run");
  EXPECT_FALSE(run.at("additionalProperties").as_bool());
}

}  // namespace
}  // namespace reliant::workflow

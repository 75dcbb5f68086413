// A workflow file as it was read (README.md beside this file defines the format): values only, no behaviour. Templates and
// expressions are texts with their place; format/check.h compiles them, the graph interpreter evaluates them.
//
// `describe` names every key of every part once. The reader (read.cpp) and the JSON Schema (schema.cpp) are its visitors, so
// that the two cannot differ.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/yaml.h"
#include "runtime/time.h"

namespace reliant::workflow {

struct Place {
  int line = 0;  // 1-based; 0: the part is not in the file
  int column = 0;
};

// Text in which `{{ expression }}` stands for a value.
struct TemplateText {
  std::string text;
  Place place;
  bool given() const { return place.line != 0; }
};

// CEL, without braces.
struct ExpressionText {
  std::string text;
  Place place;
  bool given() const { return place.line != 0; }
};

// Any YAML value whose texts may be templates.
struct ValueTemplate {
  YamlNode value;
  bool given() const { return value.line != 0; }
};

struct Input {
  std::string name;
  Place place;
  std::string type = "string";  // string, integer, number, boolean, enum, list, map
  bool required = false;
  ValueTemplate fallback;           // "default"
  std::vector<std::string> values;  // of an enum
  std::string description;
};

struct Output {
  std::string name;
  ValueTemplate value;
};

struct Model {
  TemplateText name;
  std::int64_t max_tokens = 0;  // 0: what the provider allows
};

struct Retry {
  std::int64_t attempts = 1;  // the first one included
  Duration initial = std::chrono::seconds(1);
  std::int64_t factor = 2;
  Duration maximum = std::chrono::seconds(60);
};

struct ConversationMessage {
  std::string role = "user";  // user, assistant
  TemplateText content;
};

// The conversation of a node: "inherit", "fork" or "new".
struct Thread {
  std::string mode = "inherit";
  std::optional<ConversationMessage> inject;
  Place place;
};

struct Case {
  std::string to;
  ExpressionText condition;
  std::string label;
  Place place;
};

struct Edge {
  std::string from;
  std::vector<std::string> to;
  std::vector<Case> cases;
  std::string otherwise;  // "default"
  Place place;
};

struct GraphNode;

struct Graph {
  std::vector<GraphNode> nodes;
  std::vector<Edge> edges;
  std::vector<std::string> entry;
  // The nodes run one after the other, in the order of the file.
  bool sequential() const;
};

struct Branch {
  std::string name;
  Place place;
  Graph graph;
};

// What a node does, by its type. kType is the word of the file.
// The fields of the nodes that call the model.
struct ModelFields {
  Model model;
  TemplateText system_prompt;
  TemplateText prompt;
  std::optional<std::vector<std::string>> tools;  // nullopt: all
  std::string preset;
};
struct AgentNode : ModelFields {
  static constexpr std::string_view kType = "agent";
  std::int64_t max_steps = 0;  // 0: the preset's, or kDefaultSteps
};
struct CallLlmNode : ModelFields {
  static constexpr std::string_view kType = "call_llm";
};
struct ExecuteToolsNode {
  static constexpr std::string_view kType = "execute_tools";
  ExpressionText calls;
};
struct RunNode {
  static constexpr std::string_view kType = "run";
  TemplateText command;
  TemplateText working_dir;
  std::vector<std::pair<std::string, TemplateText>> env;
  bool check = true;
};
struct CalledWorkflowNode {
  static constexpr std::string_view kType = "workflow";
  std::string workflow;
  Place place;
  ValueTemplate args;
};
struct LoopNode {
  static constexpr std::string_view kType = "loop";
  ExpressionText items;
  ExpressionText while_;
  std::int64_t max_iterations = 100;
  std::int64_t parallel = 1;
  std::string on_failure = "fail_fast";  // fail_fast, fail_all, continue
  Graph body;
};
struct ParallelNode {
  static constexpr std::string_view kType = "parallel";
  std::vector<Branch> branches;
};
struct JoinNode {
  static constexpr std::string_view kType = "join";
  std::string mode = "all";  // all, any
};
struct RouterNode {
  static constexpr std::string_view kType = "router";
  std::vector<Case> cases;
  std::string otherwise;
};
struct SaveMessageNode {
  static constexpr std::string_view kType = "save_message";
  ConversationMessage message;
};
struct AskNode {
  static constexpr std::string_view kType = "ask";
  std::string kind = "question";  // question, approval
  TemplateText question;
  std::vector<TemplateText> options;
  TemplateText otherwise;
};

using NodeAction = std::variant<AgentNode, CallLlmNode, ExecuteToolsNode, RunNode, CalledWorkflowNode, LoopNode, ParallelNode,
                                JoinNode, RouterNode, SaveMessageNode, AskNode>;

struct GraphNode {
  std::string id;
  Place place;
  ExpressionText condition;
  Duration timeout{};  // zero: what the type allows
  Retry retry;
  bool allow_failure = false;
  ValueTemplate daemon;
  std::string on_daemon_lost = "wait";  // wait, move, fail, ask
  Thread thread;
  NodeAction action;

  std::string_view type() const;
};

struct WorkflowDefinition {
  std::string file;  // for messages
  std::string name;
  Place name_place;
  std::string title;
  std::string description;
  bool hidden = false;
  std::vector<Input> inputs;
  ValueTemplate daemon;
  Graph graph;
  std::vector<Output> outputs;

  // INVALID_ARGUMENT "file:line:column: message".
  Status error(Place place, std::string_view message) const;
};

// A file of .reliant/presets: what an agent or call_llm node has not said itself.
struct Preset {
  std::string name;
  std::string description;
  Model model;
  TemplateText system_prompt;
  std::optional<std::vector<std::string>> tools;
  std::int64_t max_steps = 0;  // 0: the node's
};

constexpr std::int64_t kDefaultSteps = 50;  // of an agent
constexpr Duration kLongestNode = std::chrono::hours(24 * 30);

template <class Visitor>
void describe(Visitor& v, ConversationMessage& message) {
  v.word("role", message.role, {"user", "assistant"}, "who says it");
  v.required("content", message.content, "the text");
}

template <class Visitor>
void describe(Visitor& v, Thread& thread) {
  v.word("mode", thread.mode, {"inherit", "fork", "new"}, "the conversation: the parent's, a copy of it, or an empty one");
  v.part("inject", thread.inject, "a message that begins it");
}

template <class Visitor>
void describe(Visitor& v, Retry& retry) {
  v.number("attempts", retry.attempts, 1, 20, "attempts in all, the first included");
  v.duration("initial", retry.initial, "the pause before the second attempt");
  v.number("factor", retry.factor, 1, 10, "by which each pause is longer than the one before");
  v.duration("maximum", retry.maximum, "the longest pause");
}

template <class Visitor>
void describe(Visitor& v, Model& model) {
  v.option("name", model.name, "the model's name");
  v.number("max_tokens", model.max_tokens, 0, 10'000'000, "of an answer; 0: what the provider allows");
}

template <class Visitor>
void describe(Visitor& v, Case& one) {
  v.required_id("to", one.to, "the node that runs next");
  v.option("condition", one.condition, "when it does; without one, always");
  v.text("label", one.label, "for drawings and logs");
}

template <class Visitor>
void describe(Visitor& v, Edge& edge) {
  v.required_id("from", edge.from, "the node that ended");
  v.one_or_many("to", edge.to, "the nodes that run next");
  v.list("cases", edge.cases, "of which the first whose condition is true is taken");
  v.text("default", edge.otherwise, "the node that runs next when no case is taken");
}

template <class Visitor>
void describe(Visitor& v, Graph& graph) {
  v.nodes("nodes", graph.nodes, "what is done");
  v.list("edges", graph.edges, "the order; without edges the nodes run one after the other");
  v.names("entry", graph.entry, "the nodes that run first");
}

template <class Visitor>
void describe(Visitor& v, Branch& branch) {
  describe(v, branch.graph);
}

template <class Visitor>
void describe(Visitor& v, ModelFields& node) {
  v.model("model", node.model, "the model; without one, the preset's or the chat's");
  v.option("system_prompt", node.system_prompt, "instructions that stand before the conversation");
  v.option("prompt", node.prompt, "a message of the user that begins the node");
  v.names("tools", node.tools, "names of tools and tags (tag:readonly) that the model may call; without it all");
  v.text("preset", node.preset, "a preset of the project");
}

template <class Visitor>
void describe(Visitor& v, AgentNode& node) {
  describe(v, static_cast<ModelFields&>(node));
  v.number("max_steps", node.max_steps, 1, 1000, "answers of the model before the node FAILED; without it the preset's, or 50");
}

template <class Visitor>
void describe(Visitor& v, CallLlmNode& node) {
  describe(v, static_cast<ModelFields&>(node));
}

template <class Visitor>
void describe(Visitor& v, ExecuteToolsNode& node) {
  v.required("calls", node.calls, "an expression: the list of calls, each with tool and arguments");
}

template <class Visitor>
void describe(Visitor& v, RunNode& node) {
  v.required("command", node.command, "for the shell of the daemon; values are quoted unless they are raw");
  v.option("working_dir", node.working_dir, "below the project; without it the project");
  v.named("env", node.env, "variables of the command's environment");
  v.flag("check", node.check, "whether an exit code other than 0 fails the node");
}

template <class Visitor>
void describe(Visitor& v, CalledWorkflowNode& node) {
  v.reference("workflow", node.workflow, node.place, "NAME, project://NAME or builtin://NAME");
  v.values("args", node.args, "its inputs");
}

template <class Visitor>
void describe(Visitor& v, LoopNode& node) {
  v.option("items", node.items, "an expression: a list; the body runs once for each");
  v.option("while", node.while_, "an expression: whether the body runs again");
  v.number("max_iterations", node.max_iterations, 1, 10'000, "rounds at most");
  v.number("parallel", node.parallel, 1, 64, "rounds at a time");
  v.word("on_failure", node.on_failure, {"fail_fast", "fail_all", "continue"}, "what a round that failed does to the others");
  describe(v, node.body);
}

template <class Visitor>
void describe(Visitor& v, ParallelNode& node) {
  v.branches("branches", node.branches, "graphs that run side by side");
}

template <class Visitor>
void describe(Visitor& v, JoinNode& node) {
  v.word("mode", node.mode, {"all", "any"}, "whether it waits for all nodes before it, or for the first");
}

template <class Visitor>
void describe(Visitor& v, RouterNode& node) {
  v.list("cases", node.cases, "of which the first whose condition is true is taken");
  v.text("default", node.otherwise, "the node that runs next when no case is taken");
}

template <class Visitor>
void describe(Visitor& v, SaveMessageNode& node) {
  describe(v, node.message);
}

template <class Visitor>
void describe(Visitor& v, AskNode& node) {
  v.word("kind", node.kind, {"question", "approval"}, "an approval is answered by yes or no");
  v.required("question", node.question, "the text that the user sees");
  v.list("options", node.options, "answers to choose from");
  v.option("default", node.otherwise, "the answer after the timeout; without one the node FAILED");
}

// What every type has; the fields of the type are its own.
template <class Visitor>
void describe_common(Visitor& v, GraphNode& node) {
  v.option("condition", node.condition, "when it is false, the node is SKIPPED");
  v.duration("timeout", node.timeout, "of the whole node, its retries included");
  v.part("retry", node.retry, "how often the node begins again after it FAILED");
  v.flag("allow_failure", node.allow_failure, "whether the run goes on after this node FAILED");
  v.values("daemon", node.daemon, "the machine: local, cloud, any, a name, a selector or a template (R90)");
  v.word("on_daemon_lost", node.on_daemon_lost, {"wait", "move", "fail", "ask"}, "what happens when the machine is lost");
  v.thread("thread", node.thread, "the conversation");
}

template <class Visitor>
void describe(Visitor& v, Input& input) {
  v.word("type", input.type, {"string", "integer", "number", "boolean", "enum", "list", "map"}, "of its values");
  v.flag("required", input.required, "whether a run must give it");
  v.value("default", input.fallback, "its value in a run that does not give it");
  v.names("values", input.values, "of an enum");
  v.text("description", input.description, "for people");
}

template <class Visitor>
void describe(Visitor& v, WorkflowDefinition& workflow) {
  v.name("name", workflow.name, workflow.name_place, "the name, and that of the file");
  v.text("title", workflow.title, "for lists");
  v.text("description", workflow.description, "for people");
  v.flag("hidden", workflow.hidden, "whether lists leave it out");
  v.inputs("inputs", workflow.inputs, "what a run is given");
  v.values("daemon", workflow.daemon, "the machine of all nodes that name none (R90)");
  describe(v, workflow.graph);
  v.outputs("outputs", workflow.outputs, "what a run gives");
}

template <class Visitor>
void describe(Visitor& v, Preset& preset) {
  v.text("description", preset.description, "for people");
  v.model("model", preset.model, "the model");
  v.option("system_prompt", preset.system_prompt, "instructions that stand before the conversation");
  v.names("tools", preset.tools, "names of tools and tags; without it all");
  v.number("max_steps", preset.max_steps, 0, 1000, "answers of the model before the node FAILED; 0: the node's");
}

// INVALID_ARGUMENT "file:line:column: …": the first offence of the file against the format. `file` is for messages only.
Result<WorkflowDefinition> read_workflow(std::string_view text, std::string_view file);
Result<Preset> read_preset(std::string_view text, std::string_view file);

// JSON Schema (draft 2020-12) of workflow files and of presets.
std::string workflow_schema();
std::string preset_schema();

}  // namespace reliant::workflow

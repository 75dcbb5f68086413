#include "workflow/format/check.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/command_line.h"
#include "base/text.h"
#include "model/daemon_selector.h"
#include "workflow/format/expressions.h"
#include "workflow/format/flow.h"
#include "workflow/format/yaml_json.h"

namespace reliant::workflow {
namespace {

// The YAML of an input's value, by the word of its type.
bool is_of_type(const YamlNode& value, const Input& input) {
  using Kind = YamlNode::Kind;
  if (input.type == "string") return value.kind == Kind::kScalar;
  if (input.type == "integer") return value.as_int().ok();
  if (input.type == "number") return value.as_double().ok();
  if (input.type == "boolean") return value.as_bool().ok();
  if (input.type == "list") return value.kind == Kind::kList;
  if (input.type == "map") return value.kind == Kind::kMap;
  return value.kind == Kind::kScalar && std::ranges::find(input.values, value.scalar) != input.values.end();
}

class Checker {
 public:
  Checker(const WorkflowDefinition& workflow, const Surroundings& surroundings)
      : workflow_(workflow), surroundings_(surroundings) {}

  std::vector<Status> run() {
    for (const Input& input : workflow_.inputs) check_input(input);
    check_daemon(workflow_.daemon);
    check_graph(workflow_.graph);
    const std::vector<Status> expressions = check_expressions(workflow_);
    problems_.insert(problems_.end(), expressions.begin(), expressions.end());
    return std::move(problems_);
  }

 private:
  void report(Place place, std::string_view message) { problems_.push_back(workflow_.error(place, message)); }

  void check_input(const Input& input) {
    const bool is_enum = input.type == "enum";
    if (is_enum == input.values.empty()) {
      report(input.place, concat("input \"", input.name,
                                 is_enum ? "\" is an enum and needs \"values\"" : "\" is no enum and has \"values\""));
      return;
    }
    if (!input.fallback.given()) {
      if (!input.required) report(input.place, concat("input \"", input.name, "\" needs a \"default\", or \"required: true\""));
      return;
    }
    if (input.required)
      report(input.place, concat("input \"", input.name, "\" is required, so its \"default\" is never used; remove one"));
    if (!is_of_type(input.fallback.value, input)) {
      const std::string wanted = is_enum ? concat("one of ", join(input.values, ", ")) : concat("of the type ", input.type);
      problems_.push_back(input.fallback.value.error(concat("the default of input \"", input.name, "\" must be ", wanted)));
    }
  }

  static bool has_template(const YamlNode& value) {
    return value.scalar.find("{{") != std::string::npos || std::ranges::any_of(value.items, has_template) ||
           std::ranges::any_of(value.fields, has_template);
  }

  // A template gives its selector when the node runs.
  void check_daemon(const ValueTemplate& daemon) {
    if (!daemon.given() || has_template(daemon.value)) return;
    const auto selector = model::daemon_selector_from(json_from_yaml(daemon.value));
    if (!selector.ok()) problems_.push_back(daemon.value.error(message_of(selector.status())));
  }

  // Whether anything in it adds to the thread that it was given.
  bool check_graph(const Graph& graph) {
    const auto flow = resolve(workflow_, graph);
    if (!flow.ok()) {
      problems_.push_back(flow.status());
      return false;
    }
    std::vector<std::size_t> writers;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      check_daemon(graph.nodes[i].daemon);
      const bool writes =
          std::visit([&](const auto& action) { return check_action(graph.nodes[i], action); }, graph.nodes[i].action);
      if (writes && graph.nodes[i].thread.mode == "inherit") writers.push_back(i);
    }
    for (std::size_t one = 0; one < writers.size(); ++one) {
      for (std::size_t other = one + 1; other < writers.size(); ++other) {
        if (!flow->side_by_side(writers[one], writers[other])) continue;
        report(
            graph.nodes[writers[other]].place,
            concat("\"", graph.nodes[writers[one]].id, "\" and \"", graph.nodes[writers[other]].id,
                   "\" may run at the same time and would both add to one conversation; give one of them \"thread: fork\" or "
                   "\"thread: new\""));
      }
    }
    return !writers.empty();
  }

  bool check_action(const GraphNode& node, const AgentNode& agent) {
    check_preset(node, agent.preset);
    return true;
  }
  bool check_action(const GraphNode& node, const CallLlmNode& call) {
    check_preset(node, call.preset);
    return true;
  }
  bool check_action(const GraphNode&, const ExecuteToolsNode&) { return true; }
  bool check_action(const GraphNode&, const SaveMessageNode&) { return true; }
  bool check_action(const GraphNode&, const RunNode&) { return false; }
  bool check_action(const GraphNode&, const JoinNode&) { return false; }
  bool check_action(const GraphNode&, const RouterNode&) { return false; }
  bool check_action(const GraphNode& node, const AskNode& ask) {
    if (ask.otherwise.given() && node.timeout == Duration::zero()) {
      report(ask.otherwise.place, concat("\"default\" of \"", node.id, "\" is the answer after \"timeout\"; give it one"));
    }
    if (ask.kind == "approval" && !ask.options.empty()) {
      report(node.place,
             concat("\"", node.id, "\" is an approval, which has no \"options\"; make it a question or remove them"));
    }
    return false;
  }
  bool check_action(const GraphNode& node, const CalledWorkflowNode& call);
  bool check_action(const GraphNode& node, const LoopNode& loop) {
    if (loop.items.given() == loop.while_.given()) {
      report(node.place, concat("loop \"", node.id, "\" needs one of \"items\" and \"while\""));
    }
    if (loop.while_.given() && loop.parallel > 1) {
      report(node.place,
             concat("loop \"", node.id, "\" has \"while\", whose rounds follow one another; \"parallel\" is for \"items\""));
    }
    const bool writes = check_graph(loop.body);
    if (writes && loop.parallel > 1) {
      report(node.place, concat("rounds of \"", node.id,
                                "\" run at the same time and would add to one conversation; give the "
                                "nodes in it \"thread: fork\" or \"thread: new\""));
    }
    return writes;
  }
  bool check_action(const GraphNode& node, const ParallelNode& parallel) {
    if (parallel.branches.empty()) report(node.place, concat("parallel node \"", node.id, "\" has no branches"));
    const Branch* writer = nullptr;
    for (const Branch& branch : parallel.branches) {
      if (!check_graph(branch.graph)) continue;
      if (writer != nullptr) {
        report(branch.place,
               concat("branches \"", writer->name, "\" and \"", branch.name,
                      "\" run at the same time and would both add to one conversation; give the nodes of one of them "
                      "\"thread: fork\" or \"thread: new\""));
      }
      writer = &branch;
    }
    return writer != nullptr;
  }

  void check_preset(const GraphNode& node, const std::string& preset) {
    if (preset.empty() || !surroundings_.knows_preset || surroundings_.knows_preset(preset)) return;
    report(node.place, concat("node \"", node.id, "\" names the preset \"", preset, "\", and there is no .reliant/presets/",
                              preset, ".yaml"));
  }

  const WorkflowDefinition& workflow_;
  const Surroundings& surroundings_;
  std::vector<Status> problems_;
};

bool Checker::check_action(const GraphNode& node, const CalledWorkflowNode& call) {
  if (!surroundings_.find_workflow) return true;
  const WorkflowDefinition* called = surroundings_.find_workflow(call.workflow);
  if (called == nullptr) {
    report(call.place, concat("node \"", node.id, "\" names the workflow \"", call.workflow, "\", and there is none"));
    return true;
  }
  std::vector<std::string_view> known;
  known.reserve(called->inputs.size());
  for (const Input& input : called->inputs) known.emplace_back(input.name);
  for (const YamlNode& given : call.args.value.fields) {
    if (std::ranges::find(known, given.key) != known.end()) continue;
    const std::string meant = nearest(given.key, known);
    const std::string hint = meant.empty() ? std::string() : concat("; did you mean \"", meant, "\"?");
    problems_.push_back(given.error(concat("workflow \"", called->name, "\" has no input \"", given.key, "\"", hint)));
  }
  for (const Input& input : called->inputs) {
    if (input.required && call.args.value.find(input.name) == nullptr) {
      report(call.place, concat("\"args\" of \"", node.id, "\" lacks \"", input.name, "\", which workflow \"", called->name,
                                "\" requires"));
    }
  }
  return true;
}

}  // namespace

std::vector<Status> check(const WorkflowDefinition& workflow, const Surroundings& surroundings) {
  return Checker(workflow, surroundings).run();
}

}  // namespace reliant::workflow

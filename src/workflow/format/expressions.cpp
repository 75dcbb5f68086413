#include "workflow/format/expressions.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/command_line.h"
#include "base/text.h"
#include "expr/expression.h"
#include "expr/template.h"
#include "workflow/format/flow.h"
#include "workflow/format/output_types.h"

namespace reliant::workflow {
namespace {

using expr::Type;
using expr::TypeKind;

const Type kText{TypeKind::kString, "", {}};
const Type kAnything{};

Type type_of(const Input& input) {
  if (input.type == "integer") return {TypeKind::kInt, "", {}};
  if (input.type == "number") return kAnything;  // an int or a double
  if (input.type == "boolean") return {TypeKind::kBool, "", {}};
  if (input.type == "list") return expr::list_of(kAnything);
  if (input.type == "map") return expr::map_of(kText, kAnything);
  return kText;
}

// What an expression sees where it stands.
struct View {
  std::vector<const GraphNode*> ended;  // nodes that have ended, or are SKIPPED
  std::set<std::string> elsewhere;      // ids of nodes that exist and have not
  bool in_loop = false;                 // `iter`
  const Graph* round_before = nullptr;  // `output`
};

class Checker {
 public:
  explicit Checker(const WorkflowDefinition& workflow) : workflow_(workflow) {
    for (const Input& input : workflow.inputs) inputs_.emplace_back(input.name);
  }

  std::vector<Status> run() {
    View view;
    check(workflow_.daemon, view);
    check_graph(workflow_.graph, view);
    for (const GraphNode& node : workflow_.graph.nodes) view.ended.push_back(&node);
    for (const Output& output : workflow_.outputs) check(output.value, view);
    return std::move(problems_);
  }

 private:
  void report(Place place, std::string_view message) { problems_.push_back(workflow_.error(place, message)); }

  // --- graphs ---
  void check_graph(const Graph& graph, const View& outer) {
    const auto flow = resolve(workflow_, graph);
    if (!flow.ok()) return;  // its own problem
    for (std::size_t at = 0; at < flow->nodes.size(); ++at) {
      View view = outer;
      for (const GraphNode& node : graph.nodes) view.elsewhere.insert(node.id);
      for (const std::size_t before : flow->nodes[at].before) view.ended.push_back(flow->nodes[before].node);
      check_node(*flow->nodes[at].node, view);
      view.ended.push_back(flow->nodes[at].node);
      for (const std::size_t edge : flow->nodes[at].out) {
        if (const Case* one = flow->edges[edge].condition) check_condition(one->condition, view);
      }
    }
  }

  void check_node(const GraphNode& node, const View& view) {
    check_condition(node.condition, view);
    check(node.daemon, view);
    if (node.thread.inject) check(node.thread.inject->content, view);
    std::visit([&](const auto& action) { check_action(action, view); }, node.action);
  }

  void check_action(const AgentNode& node, const View& view) { check_model(node, view); }
  void check_action(const CallLlmNode& node, const View& view) { check_model(node, view); }
  void check_action(const ExecuteToolsNode& node, const View& view) { check_list(node.calls, view, "calls"); }
  void check_action(const RunNode& node, const View& view) {
    check(node.command, view);
    check(node.working_dir, view);
    for (const auto& [name, value] : node.env) check(value, view);
  }
  void check_action(const CalledWorkflowNode& node, const View& view) { check(node.args, view); }
  void check_action(const LoopNode& node, const View& view) {
    check_list(node.items, view, "items");
    View after = view;
    after.round_before = &node.body;
    after.in_loop = true;
    check_condition(node.while_, after);
    View body = view;
    body.in_loop = true;
    body.round_before = nullptr;
    check_graph(node.body, body);
  }
  void check_action(const ParallelNode& node, const View& view) {
    for (const Branch& branch : node.branches) check_graph(branch.graph, view);
  }
  void check_action(const JoinNode&, const View&) {}
  void check_action(const RouterNode&, const View&) {}  // its cases are edges
  void check_action(const SaveMessageNode& node, const View& view) { check(node.message.content, view); }
  void check_action(const AskNode& node, const View& view) {
    check(node.question, view);
    check(node.otherwise, view);
    for (const TemplateText& option : node.options) check(option, view);
  }
  void check_model(const ModelFields& node, const View& view) {
    check(node.model.name, view);
    check(node.system_prompt, view);
    check(node.prompt, view);
  }

  // --- one text ---
  expr::Environment environment(const View& view) const {
    expr::Environment environment;
    expr::VariableTypes& types = environment.variables;
    const Type map = expr::map_of(kText, kAnything);
    for (const std::string_view inputs : {"inputs", "params"}) {
      types.emplace(inputs, map);
      for (const Input& input : workflow_.inputs) types.emplace(concat(inputs, ".", input.name), type_of(input));
    }
    types.emplace("workflow", map);
    types.emplace("nodes", map);
    for (const GraphNode* node : view.ended) add_output(types, concat("nodes.", node->id), *node);
    if (view.in_loop) types.emplace("iter", map);
    if (view.round_before != nullptr) {
      types.emplace("output", map);
      for (const GraphNode& node : view.round_before->nodes) add_output(types, concat("output.", node.id), node);
    }
    return environment;
  }
  static void add_output(expr::VariableTypes& types, const std::string& name, const GraphNode& node) {
    for (const OutputField& field : output_fields(node.type())) types.emplace(concat(name, ".", field.name), field.type);
  }

  void check_condition(const ExpressionText& condition, const View& view) {
    const auto compiled = compile(condition, view);
    if (!compiled) return;
    if (compiled->type().kind == TypeKind::kBool || compiled->type().kind == TypeKind::kDyn) return;
    report(condition.place, concat("the condition gives ", to_string(compiled->type()), "; it must give a bool"));
  }
  void check_list(const ExpressionText& list, const View& view, std::string_view what) {
    const auto compiled = compile(list, view);
    if (!compiled) return;
    if (compiled->type().kind == TypeKind::kList || compiled->type().kind == TypeKind::kDyn) return;
    report(list.place, concat("\"", what, "\" gives ", to_string(compiled->type()), "; it must give a list"));
  }
  std::optional<expr::Expression> compile(const ExpressionText& expression, const View& view) {
    if (!expression.given()) return std::nullopt;
    auto compiled = expr::Expression::compile(expression.text, environment(view));
    if (!compiled.ok()) {
      report(expression.place, message_of(compiled.status()));
      return std::nullopt;
    }
    check_names(compiled->tree(), expression.place, view);
    return *std::move(compiled);
  }

  void check(const TemplateText& text, const View& view) {
    if (!text.given() || text.text.find("{{") == std::string::npos) return;
    const auto compiled = expr::Template::compile(text.text, environment(view));
    if (!compiled.ok()) return report(text.place, message_of(compiled.status()));
    for (const expr::Expression* one : compiled->expressions()) check_names(one->tree(), text.place, view);
  }
  void check(const ValueTemplate& value, const View& view) {
    if (value.given()) check(value.value, view);
  }
  void check(const YamlNode& value, const View& view) {
    if (value.kind == YamlNode::Kind::kScalar) check(TemplateText{value.scalar, {value.line, value.column}}, view);
    for (const YamlNode& item : value.items) check(item, view);
    for (const YamlNode& field : value.fields) check(field, view);
  }

  // --- names that the types do not know: those of maps ---
  void check_names(const expr::Node& tree, Place place, const View& view) {
    if (tree.target) check_names(*tree.target, place, view);
    for (const auto& argument : tree.arguments) check_names(*argument, place, view);
    if (tree.kind != expr::NodeKind::kSelect || !tree.target || tree.target->kind != expr::NodeKind::kIdentifier) return;
    const std::string& of = tree.target->name;
    if (of == "inputs" || of == "params") check_input(tree.name, place);
    if (of == "nodes") check_reference(tree.name, tree.optional || tree.test_only, place, view);
    if (of == "iter" && tree.name != "item" && tree.name != "index") {
      report(place, concat("\"iter\" has \"item\" and \"index\", and no \"", tree.name, "\""));
    }
    if (of == "workflow" && tree.name != "name" && tree.name != "run") {
      report(place, concat("\"workflow\" has \"name\" and \"run\", and no \"", tree.name, "\""));
    }
    if (of == "output" && view.round_before != nullptr) check_round(tree.name, place, *view.round_before);
  }
  void check_input(const std::string& name, Place place) {
    if (std::ranges::find(inputs_, name) != inputs_.end()) return;
    report(place, concat("there is no input \"", name, "\"", meant(name, inputs_)));
  }
  void check_reference(const std::string& id, bool optional, Place place, const View& view) {
    if (std::ranges::any_of(view.ended, [&](const GraphNode* node) { return node->id == id; })) return;
    if (view.elsewhere.contains(id)) {
      if (optional) return;
      return report(place,
                    concat("node \"", id, "\" may not have run here; only nodes that surely ended before can be named (nodes.?",
                           id, " allows for that)"));
    }
    std::vector<std::string_view> known;
    known.reserve(view.ended.size());
    for (const GraphNode* node : view.ended) known.emplace_back(node->id);
    report(place, concat("there is no node \"", id, "\"", meant(id, known)));
  }
  void check_round(const std::string& id, Place place, const Graph& body) {
    std::vector<std::string_view> known;
    known.reserve(body.nodes.size());
    for (const GraphNode& node : body.nodes) known.emplace_back(node.id);
    if (std::ranges::find(known, id) == known.end()) {
      report(place, concat("there is no node \"", id, "\" in the body of the loop", meant(id, known)));
    }
  }
  static std::string meant(const std::string& word, const std::vector<std::string_view>& known) {
    const std::string near = nearest(word, known);
    return near.empty() ? std::string() : concat("; did you mean \"", near, "\"?");
  }

  const WorkflowDefinition& workflow_;
  std::vector<std::string_view> inputs_;
  std::vector<Status> problems_;
};

}  // namespace

std::vector<Status> check_expressions(const WorkflowDefinition& workflow) { return Checker(workflow).run(); }

}  // namespace reliant::workflow

#include "workflow/graph/interpreter.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/command_line.h"
#include "base/text.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

using expr::Kind;
using expr::Value;

bool fits(const Value& value, const Input& input) {
  if (input.type == "string") return value.is(Kind::kString);
  if (input.type == "integer") return value.is(Kind::kInt);
  if (input.type == "number") return value.is_number();
  if (input.type == "boolean") return value.is(Kind::kBool);
  if (input.type == "list") return value.is(Kind::kList);
  if (input.type == "map") return value.is(Kind::kMap);
  return value.is(Kind::kString) && std::ranges::find(input.values, value.as_string()) != input.values.end();
}

std::string wanted(const Input& input) {
  return input.type == "enum" ? concat("one of ", join(input.values, ", ")) : concat("of the type ", input.type);
}

// Types were checked when the file was (format/expressions.h); here every name may be anything.
const expr::Environment& unchecked() {
  static const expr::Environment kEnvironment = [] {
    expr::Environment environment;
    for (const char* name : {"inputs", "params", "nodes", "workflow", "iter", "output"})
      environment.variables[name] = expr::Type();
    return environment;
  }();
  return kEnvironment;
}

Status in_file(const Scope& scope, Place place, const Status& status) {
  return make_status(status.code(), message_of(scope.run->workflow->error(place, message_of(status))));
}

}  // namespace

std::string_view to_string(NodeState state) {
  switch (state) {
    case NodeState::kPending:
      return "PENDING";
    case NodeState::kRunning:
      return "RUNNING";
    case NodeState::kWaiting:
      return "WAITING";
    case NodeState::kCompleted:
      return "COMPLETED";
    case NodeState::kFailed:
      return "FAILED";
    case NodeState::kCancelled:
      return "CANCELLED";
    case NodeState::kSkipped:
      return "SKIPPED";
  }
  return "";
}

Value fields(std::initializer_list<std::pair<std::string_view, Value>> fields) {
  expr::Map map;
  for (const auto& [key, value] : fields) map.insert(Value::string(std::string(key)), value);
  return Value::map(std::move(map));
}

Value value_of(const YamlNode& node, std::string_view type) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return Value();
    case YamlNode::Kind::kList: {
      expr::List list;
      for (const YamlNode& item : node.items) list.push_back(value_of(item, ""));
      return Value::list(std::move(list));
    }
    case YamlNode::Kind::kMap: {
      expr::Map map;
      for (const YamlNode& field : node.fields) map.insert(Value::string(field.key), value_of(field, ""));
      return Value::map(std::move(map));
    }
    case YamlNode::Kind::kScalar:
      break;
  }
  if (type == "string" || type == "enum") return Value::string(node.scalar);
  if (const auto number = node.as_int(); number.ok()) return Value::integer(*number);
  if (const auto number = node.as_double(); number.ok()) return Value::floating(*number);
  if (const auto flag = node.as_bool(); flag.ok()) return Value::boolean(*flag);
  return Value::string(node.scalar);
}

Result<Value> complete_inputs(const WorkflowDefinition& workflow, const Value& given) {
  if (!given.is(Kind::kMap)) return invalid_argument("the inputs of workflow \"", workflow.name, "\" must be a map");
  std::vector<std::string_view> known;
  known.reserve(workflow.inputs.size());
  for (const Input& input : workflow.inputs) known.emplace_back(input.name);
  for (const auto& [key, value] : given.as_map()) {
    const std::string name = key.is(Kind::kString) ? key.as_string() : std::string();
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string meant = nearest(name, known);
    return invalid_argument("workflow \"", workflow.name, "\" has no input \"", name, "\"",
                            meant.empty() ? "" : concat("; did you mean \"", meant, "\"?"));
  }
  expr::Map inputs;
  for (const Input& input : workflow.inputs) {
    const Value* value = given.as_map().find(input.name);
    if (value == nullptr && input.required) {
      return invalid_argument("workflow \"", workflow.name, "\" requires the input \"", input.name, "\" (", input.description,
                              ")");
    }
    if (value != nullptr && !fits(*value, input)) {
      return invalid_argument("input \"", input.name, "\" of workflow \"", workflow.name, "\" must be ", wanted(input));
    }
    inputs.insert(Value::string(input.name), value != nullptr ? *value : value_of(input.fallback.value, input.type));
  }
  return Value::map(std::move(inputs));
}

Task<Result<Value>> Interpreter::run(const WorkflowDefinition& workflow, Value inputs, ThreadId thread, std::string way,
                                     GraphProgress& progress, Cancellation& cancel) {
  RunScope scope{&workflow, run_, Value()};
  CO_TRY_ASSIGN(scope.inputs, complete_inputs(workflow, inputs));
  const Scope outside;
  CO_TRY_OK(co_await run_graph({*this, scope, workflow.graph, progress, std::move(thread), std::move(way)}, outside, cancel));
  Scope at_end;
  at_end.run = &scope;
  at_end.graph = &workflow.graph;
  at_end.progress = &progress;
  expr::Map outputs;
  for (const Output& output : workflow.outputs) {
    CO_TRY_ASSIGN(Value value, evaluate(output.value.value, at_end));
    outputs.insert(Value::string(output.name), std::move(value));
  }
  co_return Value::map(std::move(outputs));
}

Result<Value> Interpreter::evaluate(const ExpressionText& expression, const Scope& scope) {
  auto found = expressions_.find(expression.text);
  if (found == expressions_.end()) {
    auto parsed = expr::Expression::parse(expression.text);
    if (!parsed.ok()) return in_file(scope, expression.place, parsed.status());
    found = expressions_.emplace(expression.text, *std::move(parsed)).first;
  }
  auto value = found->second.evaluate(scope.variables(expression.text));
  if (!value.ok()) return in_file(scope, expression.place, value.status());
  return value;
}

Result<bool> Interpreter::holds(const ExpressionText& condition, const Scope& scope) {
  TRY_ASSIGN(const Value value, evaluate(condition, scope));
  if (!value.is(Kind::kBool)) {
    return scope.run->workflow->error(condition.place,
                                      concat("the condition gives ", expr::type_name(value), "; it must give a bool"));
  }
  return value.as_bool();
}

Result<const expr::Template*> Interpreter::read(const TemplateText& text, const Scope& scope) {
  auto found = templates_.find(text.text);
  if (found == templates_.end()) {
    auto parsed = expr::Template::compile(text.text, unchecked());
    if (!parsed.ok()) return in_file(scope, text.place, parsed.status());
    found = templates_.emplace(text.text, *std::move(parsed)).first;
  }
  return &found->second;
}

template <class Value>
Result<Value> Interpreter::fill(const TemplateText& text, const Scope& scope, Fill<Value> fill) {
  TRY_ASSIGN(const expr::Template* parsed, read(text, scope));
  auto value = (parsed->*fill)(scope.variables(text.text), expr::kDefaultCost);
  if (!value.ok()) return in_file(scope, text.place, value.status());
  return value;
}

Result<Value> Interpreter::evaluate(const TemplateText& text, const Scope& scope) {
  return fill(text, scope, &expr::Template::evaluate);
}
Result<std::string> Interpreter::render(const TemplateText& text, const Scope& scope) {
  return fill(text, scope, &expr::Template::render);
}
Result<std::string> Interpreter::render_command(const TemplateText& text, const Scope& scope) {
  return fill(text, scope, &expr::Template::render_command);
}

Result<Value> Interpreter::evaluate(const YamlNode& value, const Scope& scope) {
  switch (value.kind) {
    case YamlNode::Kind::kScalar:
      if (value.scalar.find("{{") == std::string::npos) return value_of(value, value.quoted ? "string" : "");
      return evaluate(TemplateText{value.scalar, {value.line, value.column}}, scope);
    case YamlNode::Kind::kList: {
      expr::List list;
      for (const YamlNode& item : value.items) {
        TRY_ASSIGN(Value one, evaluate(item, scope));
        list.push_back(std::move(one));
      }
      return Value::list(std::move(list));
    }
    case YamlNode::Kind::kMap: {
      expr::Map map;
      for (const YamlNode& field : value.fields) {
        TRY_ASSIGN(Value one, evaluate(field, scope));
        map.insert(Value::string(field.key), std::move(one));
      }
      return Value::map(std::move(map));
    }
    case YamlNode::Kind::kNull:
      break;
  }
  return Value();
}

Result<const Flow*> Interpreter::flow_of(const WorkflowDefinition& workflow, const Graph& graph) {
  const Place first = graph.nodes.front().place;
  std::string key = concat(workflow.name, ":", first.line, ":", first.column);
  const auto found = flows_.find(key);
  if (found != flows_.end()) return &found->second;
  TRY_ASSIGN(Flow flow, resolve(workflow, graph));
  return &flows_.emplace(std::move(key), std::move(flow)).first->second;
}

Result<Value> daemon_of(const NodeRun& run) {
  const ValueTemplate& own = run.node.daemon;
  const ValueTemplate& chosen = own.given() ? own : run.run.workflow->daemon;
  if (!chosen.given()) return Value();
  return run.interpreter.evaluate(chosen.value, run.scope);
}

}  // namespace reliant::workflow

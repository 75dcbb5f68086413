#include "expr/evaluator.h"

#include "base/assert.h"
#include "base/command_line.h"
#include "base/text.h"
#include "expr/macro_evaluator.h"
#include "expr/names.h"

namespace reliant::expr {
namespace {

Value located(Value value, Position position) {
  if (!value.is_error() || value.as_error().position.line != 0) return value;
  EvaluationError error = value.as_error();
  error.position = position;
  return Value::error(std::move(error));
}

Value no_such_key(const Value& key) {
  if (key.is(Kind::kString)) return Value::error(concat("no such key: '", key.as_string(), "'"));
  if (key.is(Kind::kInt)) return Value::error(concat("no such key: ", key.as_int()));
  if (key.is(Kind::kUint)) return Value::error(concat("no such key: ", key.as_uint(), "u"));
  return Value::error("no such key");
}

// What a look-up found: a value, nothing, or an error.
struct Found {
  const Value* value = nullptr;
  Value error;  // null: nothing is there
};

Found field_of(const Value& target, const Node& node) {
  if (target.is_error()) return {nullptr, target};
  if (!target.is(Kind::kMap))
    return {nullptr, Value::error(concat("type '", type_name(target), "' does not support field selection"))};
  return {target.as_map().find(node.name), {}};
}

Found element_of(const Value& target, const Value& index) {
  if (target.is(Kind::kList)) {
    const auto key = map_key(index);
    const bool whole = key && index.is_number();
    if (!whole) return {nullptr, no_such_overload("_[_]", std::array{target, index})};
    const List& list = target.as_list();
    const std::uint64_t at = key->is(Kind::kUint) ? key->as_uint() : static_cast<std::uint64_t>(key->as_int());
    return at < list.size() ? Found{&list[at], {}} : Found{};  // a negative index is a large one
  }
  if (target.is(Kind::kMap)) {
    const auto key = map_key(index);
    if (key) return {target.as_map().find(*key), {}};
    return index.is(Kind::kDouble) ? Found{} : Found{nullptr, no_such_overload("_[_]", std::array{target, index})};
  }
  return {nullptr, no_such_overload("_[_]", std::array{target, index})};
}

// a.?b and a[?b], and a.b and a[b] where `a` is an optional: the optional of what is there.
Value optional_of_found(const Found& found) {
  if (found.value != nullptr) return Value::optional_of(*found.value);
  return found.error.is_error() ? found.error : Value::optional_none();
}

class Evaluator final : public NodeEvaluator {
 public:
  Evaluator(std::string_view container, const Variables& variables, Budget& budget)
      : container_(container), variables_(variables), budget_(budget) {
    for (const auto& [name, value] : variables) dotted_names_ = dotted_names_ || name.find('.') != std::string::npos;
  }

  Value evaluate(const Node& node, const Local* locals) override {
    if (!budget_.spend(1)) return located(limit_reached(), node.position);
    return located(evaluate_node(node, locals), node.position);
  }

  Budget& budget() override { return budget_; }

 private:
  Value evaluate_node(const Node& node, const Local* locals) {
    switch (node.kind) {
      case NodeKind::kLiteral:
        return node.literal;
      case NodeKind::kIdentifier:
        return identifier(node, locals);
      case NodeKind::kSelect:
        return select(node, locals);
      case NodeKind::kCall:
        return call(node, locals);
      case NodeKind::kList:
        return list(node, locals);
      case NodeKind::kMap:
        return map(node, locals);
      case NodeKind::kStruct:
        return Value::error(concat("there is no message type '", node.name, "'; a map is written {'field': value}"));
      case NodeKind::kMacro:
        return evaluate_macro(node, *this, locals);
    }
    RELIANT_UNREACHABLE("every kind of node is evaluated");
  }

  // --- names

  const Value* named(std::string_view name, bool absolute) const {
    if (absolute || container_.empty()) {
      const auto at = variables_.find(name);
      return at != variables_.end() ? &at->second : type_named(name);
    }
    for (const std::string& candidate : candidates(container_, name, absolute)) {
      const auto at = variables_.find(candidate);
      if (at != variables_.end()) return &at->second;
      if (const Value* type = type_named(candidate)) return type;
    }
    return nullptr;
  }

  Value identifier(const Node& node, const Local* locals) const {
    if (!node.absolute)
      if (const Value* local = find_local(locals, node.name)) return *local;
    if (const Value* value = named(node.name, node.absolute)) return *value;
    std::vector<std::string_view> known;
    known.reserve(variables_.size());
    for (const auto& [name, value] : variables_) known.emplace_back(name);
    const std::string meant = nearest(node.name, known);
    return Value::error(
        concat("undeclared reference to '", node.name, "'", meant.empty() ? "" : concat("; did you mean '", meant, "'?")));
  }

  // The variable or type a.b.c; null: the node selects a field.
  const Value* qualified(const Node& node, const Local* locals) const {
    if (node.qualified_name.empty()) return nullptr;
    const std::string_view root = root_of(node.qualified_name);
    if (!dotted_names_ && root != "google" && container_.empty()) return nullptr;
    if (!node.absolute && find_local(locals, root) != nullptr) return nullptr;
    return named(node.qualified_name, node.absolute);
  }

  // --- fields and elements

  Value select(const Node& node, const Local* locals) {
    if (const Value* value = qualified(node, locals)) return *value;
    const Value target = evaluate(*node.target, locals);
    if (target.is(Kind::kOptional)) {
      const Value* held = target.as_optional();
      if (held == nullptr) return node.test_only ? Value::boolean(false) : Value::optional_none();
      const Found found = field_of(*held, node);
      if (node.test_only) return found.error.is_error() ? found.error : Value::boolean(found.value != nullptr);
      return optional_of_found(found);
    }
    const Found found = field_of(target, node);
    if (node.test_only) return found.error.is_error() ? found.error : Value::boolean(found.value != nullptr);
    if (node.optional) return optional_of_found(found);
    if (found.value != nullptr) return *found.value;
    return found.error.is_error() ? found.error : no_such_key(Value::string(node.name));
  }

  Value index(const Node& node, bool optional, const Local* locals) {
    const Value target = evaluate(*node.arguments[0], locals);
    if (target.is_error()) return target;
    const Value key = evaluate(*node.arguments[1], locals);
    if (key.is_error()) return key;
    if (target.is(Kind::kOptional)) {
      const Value* held = target.as_optional();
      return held == nullptr ? Value::optional_none() : optional_of_found(element_of(*held, key));
    }
    const Found found = element_of(target, key);
    if (optional) return optional_of_found(found);
    if (found.value != nullptr) return *found.value;
    if (found.error.is_error()) return found.error;
    if (target.is(Kind::kMap)) return no_such_key(key);
    return Value::error(concat("index out of bounds: the list has ", target.as_list().size(), " elements"));
  }

  // --- calls

  Value call(const Node& node, const Local* locals) {
    if (node.name == "_&&_") return logical(node, locals, false);
    if (node.name == "_||_") return logical(node, locals, true);
    if (node.name == "_?_:_") return conditional(node, locals);
    if (node.name == "_[_]") return index(node, false, locals);
    if (node.name == "_[?_]") return index(node, true, locals);
    std::vector<Value> arguments;
    arguments.reserve(node.arguments.size() + 1);
    if (node.target) arguments.push_back(evaluate(*node.target, locals));
    for (const NodePtr& argument : node.arguments) arguments.push_back(evaluate(*argument, locals));
    if (node.overloads == nullptr) return Value::error(concat("unbound function: ", node.name, "()"));
    for (const Value& argument : arguments)
      if (argument.is_error()) return argument;
    for (const Overload& overload : *node.overloads)
      if (fits(overload, node.target != nullptr, arguments)) {
        if (overload.implementation == nullptr) return Value::error(concat("unbound function: ", node.name, "()"));
        return overload.implementation(arguments, budget_);
      }
    return no_such_overload(node.name, arguments);
  }

  static bool fits(const Overload& overload, bool member, const std::vector<Value>& arguments) {
    if (overload.member != member || !overload.takes(arguments.size())) return false;
    for (std::size_t i = 0; i < arguments.size(); ++i)
      if (!accepts(overload.parameter(i), arguments[i])) return false;
    return true;
  }

  // && and ||: what decides is `decisive`, on whichever side it stands; an error beside it is absorbed.
  Value logical(const Node& node, const Local* locals, bool decisive) {
    Value error;
    for (const NodePtr& argument : node.arguments) {
      Value value = evaluate(*argument, locals);
      if (value.is(Kind::kBool)) {
        if (value.as_bool() == decisive) return value;
        continue;
      }
      if (!value.is_error()) value = located(no_such_overload(node.name, std::array{value}), argument->position);
      if (value.as_error().limit) return value;
      if (!error.is_error()) error = std::move(value);
    }
    return error.is_error() ? error : Value::boolean(!decisive);
  }

  Value conditional(const Node& node, const Local* locals) {
    const Value condition = evaluate(*node.arguments[0], locals);
    if (condition.is_error()) return condition;
    if (!condition.is(Kind::kBool)) return no_such_overload("_?_:_", std::array{condition});
    return evaluate(*node.arguments[condition.as_bool() ? 1 : 2], locals);
  }

  // --- lists and maps

  Value list(const Node& node, const Local* locals) {
    List out;
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
      Value element = evaluate(*node.arguments[i], locals);
      if (element.is_error()) return element;
      if (!node.optional_entries[i]) {
        out.push_back(std::move(element));
        continue;
      }
      if (!element.is(Kind::kOptional)) return not_optional("[?…]", element);
      if (const Value* held = element.as_optional()) out.push_back(*held);
    }
    return Value::list(std::move(out));
  }

  Value map(const Node& node, const Local* locals) {
    Map out;
    for (std::size_t i = 0; i < node.optional_entries.size(); ++i) {
      Value key = evaluate(*node.arguments[2 * i], locals);
      if (key.is_error()) return key;
      if (key.is(Kind::kDouble) || !map_key(key))
        return Value::error(concat("unsupported key type: ", type_name(key), "; a key is a bool, an int, a uint or a string"));
      Value value = evaluate(*node.arguments[2 * i + 1], locals);
      if (value.is_error()) return value;
      if (node.optional_entries[i]) {
        if (!value.is(Kind::kOptional)) return not_optional("{?…}", value);
        if (value.as_optional() == nullptr) continue;
        value = Value(*value.as_optional());
      }
      if (!out.insert(std::move(key), std::move(value)))
        return located(Value::error("Failed with repeated key: a map has each of its keys once"),
                       node.arguments[2 * i]->position);
    }
    return Value::map(std::move(out));
  }

  static Value not_optional(std::string_view place, const Value& value) {
    return Value::error(concat("no such overload: ", place, " takes an optional, not a value of type ", type_name(value)));
  }

  std::string_view container_;
  const Variables& variables_;
  Budget& budget_;
  bool dotted_names_ = false;
};

}  // namespace

Value evaluate(const Node& node, std::string_view container, const Variables& variables, Budget& budget) {
  return Evaluator(container, variables, budget).evaluate(node, nullptr);
}

}  // namespace reliant::expr

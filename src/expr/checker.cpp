#include "expr/checker.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/command_line.h"
#include "expr/lexer.h"
#include "expr/names.h"
#include "expr/unifier.h"

namespace reliant::expr {
namespace {

const Type kDyn{};
const Type kBool{TypeKind::kBool, {}, {}};
const Type kInt{TypeKind::kInt, {}, {}};

Type type_of_literal(const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
      return kBool;
    case Kind::kInt:
      return kInt;
    case Kind::kUint:
      return {TypeKind::kUint, {}, {}};
    case Kind::kDouble:
      return {TypeKind::kDouble, {}, {}};
    case Kind::kString:
      return {TypeKind::kString, {}, {}};
    case Kind::kBytes:
      return {TypeKind::kBytes, {}, {}};
    default:
      return {TypeKind::kNull, {}, {}};
  }
}

// The type that a name of a type stands for.
Type type_by_name(std::string_view name) {
  if (name == "google.protobuf.Timestamp") return {TypeKind::kTimestamp, {}, {}};
  if (name == "google.protobuf.Duration") return {TypeKind::kDuration, {}, {}};
  auto type = parse_type(name);
  RELIANT_ASSERT(type.ok(), "every name of a type can be read as one");
  return *std::move(type);
}

std::string listed(const std::vector<Type>& types, const Unifier& unifier) {
  std::string out;
  for (const Type& type : types) out += concat(out.empty() ? "" : ", ", to_string(unifier.final(type)));
  return out;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string meant = nearest(word, known);
  return meant.empty() ? "" : concat("; did you mean '", meant, "'?");
}

class Checker {
 public:
  Checker(std::string_view container, const VariableTypes& variables, const Functions& functions)
      : container_(container), variables_(variables), functions_(functions) {}

  Result<Type> run(const Node& node) {
    TRY_ASSIGN(const Type type, check(node));
    return unifier_.final(type);
  }

 private:
  Result<Type> check(const Node& node) {
    switch (node.kind) {
      case NodeKind::kLiteral:
        return type_of_literal(node.literal);
      case NodeKind::kIdentifier:
        return identifier(node);
      case NodeKind::kSelect:
        return select(node);
      case NodeKind::kCall:
        return call(node);
      case NodeKind::kList:
        return list(node);
      case NodeKind::kMap:
        return map(node);
      case NodeKind::kStruct:
        return error_at(node.position, concat("there is no message type '", node.name, "'; a map is written {'field': value}"));
      case NodeKind::kMacro:
        return macro(node);
    }
    RELIANT_UNREACHABLE("every kind of node is checked");
  }

  // --- names

  const Type* local(std::string_view name) const {
    for (auto at = locals_.rbegin(); at != locals_.rend(); ++at)
      if (at->first == name) return &at->second;
    return nullptr;
  }

  std::optional<Type> named(std::string_view name, bool absolute) const {
    for (const std::string& candidate : candidates(container_, name, absolute)) {
      if (const auto at = variables_.find(candidate); at != variables_.end()) return at->second;
      if (type_named(candidate) != nullptr) return Type{TypeKind::kType, {}, {type_by_name(candidate)}};
    }
    return std::nullopt;
  }

  Result<Type> identifier(const Node& node) const {
    if (!node.absolute)
      if (const Type* type = local(node.name)) return *type;
    if (auto type = named(node.name, node.absolute)) return *std::move(type);
    std::vector<std::string_view> known;
    known.reserve(variables_.size() + locals_.size());
    for (const auto& [name, type] : variables_) known.emplace_back(name);
    for (const auto& [name, type] : locals_) known.push_back(name);
    return error_at(node.position, concat("undeclared reference to '", node.name, "'", did_you_mean(node.name, known)));
  }

  // --- fields

  Result<Type> select(const Node& node) {
    const bool hidden = !node.absolute && local(root_of(node.qualified_name)) != nullptr;
    if (!node.qualified_name.empty() && !hidden)
      if (auto type = named(node.qualified_name, node.absolute)) return *std::move(type);
    TRY_ASSIGN(const Type target, check(*node.target));
    Type held = unifier_.resolved(target);
    const bool chained = is_optional(held);
    if (chained) held = unifier_.resolved(held.parameters[0]);
    TRY_ASSIGN(Type field, field_of(held, node));
    if (node.test_only) return kBool;
    return chained || node.optional ? optional_of(std::move(field)) : field;
  }

  Result<Type> field_of(const Type& target, const Node& node) {
    if (target.kind == TypeKind::kMap) return target.parameters[1];
    if (target.kind == TypeKind::kParameter) unifier_.agree(kDyn, target);
    if (target.kind == TypeKind::kParameter || target.kind == TypeKind::kDyn) return kDyn;
    return error_at(node.position, concat("expected a map, found ", to_string(unifier_.final(target)), ", which has no field '",
                                          node.name, "'"));
  }

  // --- calls

  Result<Type> call(const Node& node) {
    std::vector<Type> arguments;
    if (node.target) {
      TRY_ASSIGN(Type type, check(*node.target));
      arguments.push_back(std::move(type));
    }
    for (const NodePtr& argument : node.arguments) {
      TRY_ASSIGN(Type type, check(*argument));
      arguments.push_back(std::move(type));
    }
    if (node.name == "_&&_" || node.name == "_||_") return logical(node, arguments);
    if (node.name == "_?_:_") return conditional(node, arguments);
    if (node.name == "_[_]" || node.name == "_[?_]") return index(node, arguments, node.name == "_[?_]");
    if (node.overloads == nullptr)
      return error_at(node.position,
                      concat("there is no function '", node.name, "'", did_you_mean(node.name, functions_.names())));
    std::optional<Type> result;
    for (const Overload& overload : *node.overloads) {
      auto type = result_of(overload, node.target != nullptr, arguments);
      if (!type) continue;
      if (!result)
        result = std::move(type);
      else if (*result != *type)
        result = kDyn;
    }
    if (result) return *std::move(result);
    return no_overload(node, arguments);
  }

  std::optional<Type> result_of(const Overload& overload, bool member, const std::vector<Type>& arguments) {
    if (overload.member != member || !overload.takes(arguments.size())) return std::nullopt;
    std::map<std::string, Type> renamed;
    std::vector<Type> parameters;
    parameters.reserve(arguments.size());
    for (std::size_t i = 0; i < arguments.size(); ++i) parameters.push_back(unifier_.instance(overload.parameter(i), renamed));
    const Type result = unifier_.instance(overload.result, renamed);
    if (!unifier_.agree(arguments, parameters)) return std::nullopt;
    return unifier_.resolved(result);
  }

  Status no_overload(const Node& node, const std::vector<Type>& arguments) const {
    if (is_operator(node.name))
      return error_at(node.position, concat("found no matching overload: '", written(node.name), "' does not take (",
                                            listed(arguments, unifier_), ")"));
    std::string forms;
    for (const Overload& overload : *node.overloads) {
      const std::vector<Type> rest(overload.parameters.begin() + (overload.member ? 1 : 0), overload.parameters.end());
      forms += concat(forms.empty() ? "" : ", ", overload.member ? concat(to_string(overload.parameters[0]), ".") : "",
                      node.name, "(");
      for (std::size_t i = 0; i < rest.size(); ++i) forms += concat(i == 0 ? "" : ", ", to_string(rest[i]));
      forms += ")";
    }
    return error_at(node.position, concat("found no matching overload for ", node.name, " applied to (",
                                          listed(arguments, unifier_), "); expected ", forms));
  }

  Status need_bool(const Type& type, const Node& node, std::string_view place) {
    if (unifier_.agree(kBool, type)) return ok_status();
    return error_at(node.position, concat("expected a bool ", place, ", found ", to_string(unifier_.final(type))));
  }

  Result<Type> logical(const Node& node, const std::vector<Type>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i)
      TRY_OK(need_bool(arguments[i], *node.arguments[i], concat("beside '", written(node.name), "'")));
    return kBool;
  }

  Result<Type> conditional(const Node& node, const std::vector<Type>& arguments) {
    TRY_OK(need_bool(arguments[0], *node.arguments[0], "before '?'"));
    const Type result = unifier_.fresh();
    if (unifier_.agree(std::vector{arguments[1], arguments[2]}, std::vector{result, result})) return unifier_.resolved(result);
    return error_at(node.position,
                    concat("expected one type on both sides of ':', found ", listed({arguments[1], arguments[2]}, unifier_)));
  }

  // a[b], and a[?b].
  Result<Type> index(const Node& node, const std::vector<Type>& arguments, bool optional) {
    const Type key = unifier_.fresh();
    const Type element = unifier_.fresh();
    Type target = unifier_.resolved(arguments[0]);
    const bool chained = is_optional(target);
    if (chained) target = unifier_.resolved(target.parameters[0]);
    const Type result = chained || optional ? optional_of(element) : element;
    if (target.kind == TypeKind::kParameter) unifier_.agree(kDyn, target);
    if (target.kind == TypeKind::kDyn || target.kind == TypeKind::kParameter)
      return chained || optional ? optional_of(kDyn) : kDyn;
    if (target.kind == TypeKind::kList) {
      if (unifier_.agree(std::vector{target, arguments[1]}, std::vector{list_of(element), kInt}))
        return unifier_.resolved(result);
      return error_at(node.position,
                      concat("expected an int as the index of a list, found ", listed({arguments[1]}, unifier_)));
    }
    if (target.kind != TypeKind::kMap)
      return error_at(node.position, concat("expected a list or a map before '[', found ", listed({target}, unifier_)));
    if (unifier_.agree(std::vector{target, arguments[1]}, std::vector{map_of(key, element), key}))
      return unifier_.resolved(result);
    return error_at(node.position, concat("expected ", listed({target.parameters[0]}, unifier_),
                                          " as the key of the map, found ", listed({arguments[1]}, unifier_)));
  }

  // --- lists and maps

  // Of an entry with a question mark: the value that the optional may have.
  Result<Type> entry(const Node& node, bool optional) {
    TRY_ASSIGN(Type type, check(node));
    if (!optional) return type;
    const Type value = unifier_.fresh();
    if (unifier_.agree(type, optional_of(value)))
      return unifier_.resolved(type).kind == TypeKind::kDyn ? kDyn : unifier_.resolved(value);
    return error_at(node.position, concat("expected an optional after '?', found ", listed({type}, unifier_)));
  }

  Result<Type> list(const Node& node) {
    std::optional<Type> element;
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
      TRY_ASSIGN(Type type, entry(*node.arguments[i], node.optional_entries[i]));
      element = element ? unifier_.joined(*element, type) : std::move(type);
    }
    return list_of(element ? *std::move(element) : unifier_.fresh());
  }

  Result<Type> key_of(const Node& node) {
    TRY_ASSIGN(const Type checked, check(node));
    const Type type = unifier_.resolved(checked);
    switch (type.kind) {
      case TypeKind::kBool:
      case TypeKind::kInt:
      case TypeKind::kUint:
      case TypeKind::kString:
      case TypeKind::kDyn:
        return type;
      case TypeKind::kParameter:
        unifier_.agree(kDyn, type);
        return kDyn;
      default:
        return error_at(node.position,
                        concat("expected a bool, an int, a uint or a string as a key, found ", listed({type}, unifier_)));
    }
  }

  Result<Type> map(const Node& node) {
    std::optional<Type> key;
    std::optional<Type> value;
    for (std::size_t i = 0; i < node.optional_entries.size(); ++i) {
      TRY_ASSIGN(Type key_type, key_of(*node.arguments[2 * i]));
      TRY_ASSIGN(Type value_type, entry(*node.arguments[2 * i + 1], node.optional_entries[i]));
      key = key ? unifier_.joined(*key, key_type) : std::move(key_type);
      value = value ? unifier_.joined(*value, value_type) : std::move(value_type);
    }
    return map_of(key ? *std::move(key) : unifier_.fresh(), value ? *std::move(value) : unifier_.fresh());
  }

  // --- macros

  // What a macro goes over.
  struct Range {
    Type key;  // or index
    Type value;
    bool is_map = false;
  };

  Result<Range> range(const Node& node) {
    TRY_ASSIGN(const Type checked, check(*node.target));
    const Type type = unifier_.resolved(checked);
    if (type.kind == TypeKind::kList) return Range{kInt, type.parameters[0]};
    if (type.kind == TypeKind::kMap) return Range{type.parameters[0], type.parameters[1], true};
    if (type.kind == TypeKind::kParameter) unifier_.agree(kDyn, type);
    if (type.kind == TypeKind::kDyn || type.kind == TypeKind::kParameter) return Range{kDyn, kDyn};
    return error_at(node.target->position, concat("expected a list or a map to go over, found ", listed({type}, unifier_)));
  }

  Result<Type> macro(const Node& node) {
    if (node.macro == Macro::kBind || node.macro == Macro::kOptMap || node.macro == Macro::kOptFlatMap) return binding(node);
    TRY_ASSIGN(const Range over, range(node));
    const bool two = node.names.size() == 2;
    const Type& first = two || over.is_map ? over.key : over.value;
    const std::size_t before = locals_.size();
    locals_.emplace_back(node.names[0], first);
    if (two) locals_.emplace_back(node.names[1], over.value);
    auto result = looped(node, over.key, first);
    locals_.resize(before);
    return result;
  }

  Result<Type> looped(const Node& node, const Type& key, const Type& element) {
    const bool tests = node.macro == Macro::kAll || node.macro == Macro::kExists || node.macro == Macro::kExistsOne ||
                       node.macro == Macro::kFilter;
    if (tests || node.arguments.size() == 2) {
      TRY_ASSIGN(const Type condition, check(*node.arguments[0]));
      TRY_OK(need_bool(condition, *node.arguments[0], "as the condition"));
    }
    if (node.macro == Macro::kFilter) return list_of(element);
    if (tests) return kBool;
    TRY_ASSIGN(Type body, check(*node.arguments.back()));
    switch (node.macro) {
      case Macro::kTransformMap:
        return map_of(key, std::move(body));
      case Macro::kTransformMapEntry: {
        const Type map = map_of(unifier_.fresh(), unifier_.fresh());
        if (unifier_.agree(body, map)) return unifier_.resolved(map);
        return error_at(node.arguments.back()->position,
                        concat("expected a map as the new entry, found ", listed({body}, unifier_)));
      }
      case Macro::kSortBy:
        return list_of(element);
      default:
        return list_of(std::move(body));
    }
  }

  // cel.bind, and the macros of optionals: one variable, one body.
  Result<Type> binding(const Node& node) {
    TRY_ASSIGN(Type value, check(*node.target));
    if (node.macro != Macro::kBind) {
      const Type held = unifier_.fresh();
      if (!unifier_.agree(value, optional_of(held)))
        return error_at(node.target->position, concat("expected an optional, found ", listed({value}, unifier_)));
      value = unifier_.resolved(held);
    }
    locals_.emplace_back(node.names[0], std::move(value));
    auto body = check(*node.arguments[0]);
    locals_.pop_back();
    if (!body.ok() || node.macro == Macro::kBind) return body;
    if (node.macro == Macro::kOptMap) return optional_of(*std::move(body));
    const Type result = optional_of(unifier_.fresh());
    if (unifier_.agree(*body, result)) return unifier_.resolved(result);
    return error_at(node.arguments[0]->position,
                    concat("expected an optional as the body of optFlatMap(), found ", listed({*body}, unifier_)));
  }

  std::string_view container_;
  const VariableTypes& variables_;
  const Functions& functions_;
  Unifier unifier_;
  std::vector<std::pair<std::string_view, Type>> locals_;
};

}  // namespace

Result<Type> check(const Node& node, std::string_view container, const VariableTypes& variables, const Functions& functions) {
  return Checker(container, variables, functions).run(node);
}

}  // namespace reliant::expr

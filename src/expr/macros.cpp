#include "expr/macros.h"

#include <array>
#include <iterator>

#include "expr/lexer.h"

namespace reliant::expr {
namespace {

struct Form {
  std::string_view name;
  Macro macro;
  std::size_t variables;
  std::size_t bodies;  // the condition, if there is one, comes first
};

// What is called on the range, or on the optional.
constexpr std::array kForms{
    Form{"all", Macro::kAll, 1, 1},
    Form{"all", Macro::kAll, 2, 1},
    Form{"exists", Macro::kExists, 1, 1},
    Form{"exists", Macro::kExists, 2, 1},
    Form{"exists_one", Macro::kExistsOne, 1, 1},
    Form{"exists_one", Macro::kExistsOne, 2, 1},
    Form{"existsOne", Macro::kExistsOne, 1, 1},
    Form{"existsOne", Macro::kExistsOne, 2, 1},
    Form{"map", Macro::kMap, 1, 1},
    Form{"map", Macro::kMap, 1, 2},
    Form{"filter", Macro::kFilter, 1, 1},
    Form{"transformList", Macro::kMap, 2, 1},
    Form{"transformList", Macro::kMap, 2, 2},
    Form{"transformMap", Macro::kTransformMap, 2, 1},
    Form{"transformMap", Macro::kTransformMap, 2, 2},
    Form{"transformMapEntry", Macro::kTransformMapEntry, 2, 1},
    Form{"transformMapEntry", Macro::kTransformMapEntry, 2, 2},
    Form{"sortBy", Macro::kSortBy, 1, 1},
    Form{"optMap", Macro::kOptMap, 1, 1},
    Form{"optFlatMap", Macro::kOptFlatMap, 1, 1},
};

Result<std::string> variable_of(const Node& node, std::string_view macro) {
  if (node.kind != NodeKind::kIdentifier || node.absolute)
    return error_at(node.position, concat("the variable of ", macro, "() is a simple name"));
  return node.name;
}

Result<NodePtr> expand_has(NodePtr call) {
  NodePtr& field = call->arguments[0];
  if (field->kind != NodeKind::kSelect || field->optional)
    return error_at(field->position, "has() takes the selection of a field: has(a.b)");
  field->test_only = true;
  field->qualified_name.clear();
  return std::move(field);
}

Result<NodePtr> expand_bind(NodePtr call) {
  TRY_ASSIGN(std::string variable, variable_of(*call->arguments[0], "cel.bind"));
  call->kind = NodeKind::kMacro;
  call->macro = Macro::kBind;
  call->names.push_back(std::move(variable));
  call->target = std::move(call->arguments[1]);
  call->arguments.erase(call->arguments.begin(), call->arguments.begin() + 2);
  return call;
}

}  // namespace

Result<NodePtr> expand_macro(NodePtr call) {
  const std::size_t count = call->arguments.size();
  if (!call->target) return call->name == "has" && count == 1 ? expand_has(std::move(call)) : Result<NodePtr>(std::move(call));
  if (call->name == "bind" && call->target->qualified_name == "cel" && count == 3) return expand_bind(std::move(call));
  for (const Form& form : kForms) {
    if (form.name != call->name || form.variables + form.bodies != count) continue;
    // map(x, condition, element) and all(i, v, condition) have as many arguments, and not the same name.
    for (std::size_t i = 0; i < form.variables; ++i) {
      TRY_ASSIGN(std::string variable, variable_of(*call->arguments[i], form.name));
      call->names.push_back(std::move(variable));
    }
    if (call->names.size() == 2 && call->names[0] == call->names[1])
      return error_at(call->arguments[1]->position,
                      concat("the variables of ", form.name, "() have the same name '", call->names[0], "'"));
    call->kind = NodeKind::kMacro;
    call->macro = form.macro;
    call->arguments.erase(call->arguments.begin(), call->arguments.begin() + static_cast<std::ptrdiff_t>(form.variables));
    return call;
  }
  return call;
}

}  // namespace reliant::expr

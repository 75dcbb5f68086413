// The type of an expression before it is evaluated, and what is wrong with it: names that do not exist, functions that do not take
// their arguments. Gradual: of a variable whose type is `dyn` everything is allowed.
#pragma once

#include <map>
#include <string>

#include "base/status.h"
#include "expr/ast.h"
#include "expr/type.h"

namespace reliant::expr {

using VariableTypes = std::map<std::string, Type, std::less<>>;

// The tree's names are resolved (names.h). INVALID_ARGUMENT: "3:14: …".
Result<Type> check(const Node& node, std::string_view container, const VariableTypes& variables, const Functions& functions);

}  // namespace reliant::expr

// Carries out the tree of an expression over the values of its variables.
#pragma once

#include <map>
#include <string>

#include "expr/ast.h"
#include "expr/value.h"

namespace reliant::expr {

using Variables = std::map<std::string, Value, std::less<>>;

// The tree's names are resolved (names.h). An error is returned as a Value, with its place.
Value evaluate(const Node& node, std::string_view container, const Variables& variables, Budget& budget);

}  // namespace reliant::expr

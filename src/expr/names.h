// Which functions and variables the names of an expression mean. A name a.b in the container x.y is x.y.a.b, x.a.b or a.b, the
// first one there is; a variable of a macro hides all of them, but for .a.b, which is a.b from the root.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "expr/ast.h"
#include "expr/function.h"

namespace reliant::expr {

// The names that `name` may mean, in order.
std::vector<std::string> candidates(std::string_view container, std::string_view name, bool absolute);

// "a" of "a.b.c".
std::string_view root_of(std::string_view qualified_name);

// Finds each call's function; math.abs(x), which reads like a call on a variable `math`, becomes a call of the function "math.abs".
void resolve(Node& node, std::string_view container, const Functions& functions);

// The value of a name that is a type: "int", "google.protobuf.Duration".
const Value* type_named(std::string_view name);

}  // namespace reliant::expr

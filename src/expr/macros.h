// Calls that are macros become nodes of their own.
#pragma once

#include "base/status.h"
#include "expr/ast.h"

namespace reliant::expr {

// The call itself when it is no macro; INVALID_ARGUMENT when it is one, written wrongly.
Result<NodePtr> expand_macro(NodePtr call);

}  // namespace reliant::expr

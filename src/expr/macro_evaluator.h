// Carries out the macros: loops over lists and maps, and the binding of a variable.
#pragma once

#include <string_view>

#include "expr/ast.h"
#include "expr/value.h"

namespace reliant::expr {

// A variable of a macro; the inner hides the outer one.
struct Local {
  std::string_view name;
  Value value;
  const Local* outer;
};

// Null: there is none of this name.
const Value* find_local(const Local* locals, std::string_view name);

// The evaluator, as the macros see it.
class NodeEvaluator {
 public:
  virtual Value evaluate(const Node& node, const Local* locals) = 0;
  virtual Budget& budget() = 0;

 protected:
  ~NodeEvaluator() = default;
};

Value evaluate_macro(const Node& node, NodeEvaluator& evaluator, const Local* locals);

}  // namespace reliant::expr

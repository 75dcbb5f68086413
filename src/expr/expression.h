// An expression of CEL (Common Expression Language, cel.dev): read once, evaluated as often as is wanted. Deterministic: the same
// expression over the same variables gives the same value on every machine. Total: whatever the expression and the values are, memory
// and time are bounded by the limits. Errors are INVALID_ARGUMENT, and begin with the line and column: "3:14: …"; those of a limit
// on the cost are RESOURCE_EXHAUSTED.
//
// The functions that an expression refers to must outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "expr/checker.h"
#include "expr/evaluator.h"
#include "expr/function.h"
#include "expr/parser.h"
#include "expr/type.h"

namespace reliant::expr {

struct Environment {
  VariableTypes variables;  // for compile()
  std::string container;    // names are looked for in it first: "a.b"
  const Functions* functions = &standard_functions();
  ParseOptions parsing;
};

inline constexpr std::uint64_t kDefaultCost = 1'000'000;  // steps of a Budget

class Expression {
 public:
  // Read and checked: each variable is declared in the environment, as `dyn` where its type is not known.
  static Result<Expression> compile(std::string_view source, const Environment& environment);
  // Read only: a variable that does not exist, or has the wrong type, is an error of the evaluation.
  static Result<Expression> parse(std::string_view source, const Environment& environment = {});

  // Of an expression within a larger text (template.h), whose tokens are given.
  static Result<Expression> compile_tokens(std::vector<Token> tokens, const Environment& environment);

  Result<Value> evaluate(const Variables& variables, std::uint64_t max_cost = kDefaultCost) const;
  // Spends a budget that several expressions share.
  Result<Value> evaluate(const Variables& variables, Budget& budget) const;

  // As it was checked; `dyn` when it was not.
  const Type& type() const { return type_; }
  const Node& tree() const { return *tree_; }

 private:
  Expression(NodePtr tree, std::string container) : tree_(std::move(tree)), container_(std::move(container)) {}

  Status check(const Environment& environment);

  NodePtr tree_;
  std::string container_;
  Type type_;
};

}  // namespace reliant::expr

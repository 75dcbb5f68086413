#include "expr/expression.h"

#include "expr/names.h"

namespace reliant::expr {

Result<Expression> Expression::parse(std::string_view source, const Environment& environment) {
  TRY_ASSIGN(NodePtr tree, expr::parse(source, environment.parsing));
  resolve(*tree, environment.container, *environment.functions);
  return Expression(std::move(tree), environment.container);
}

Result<Expression> Expression::compile(std::string_view source, const Environment& environment) {
  TRY_ASSIGN(Expression expression, parse(source, environment));
  TRY_OK(expression.check(environment));
  return expression;
}

Result<Expression> Expression::compile_tokens(std::vector<Token> tokens, const Environment& environment) {
  TRY_ASSIGN(NodePtr tree, parse_tokens(std::move(tokens), environment.parsing));
  resolve(*tree, environment.container, *environment.functions);
  Expression expression(std::move(tree), environment.container);
  TRY_OK(expression.check(environment));
  return expression;
}

Status Expression::check(const Environment& environment) {
  TRY_ASSIGN(type_, expr::check(*tree_, environment.container, environment.variables, *environment.functions));
  return ok_status();
}

Result<Value> Expression::evaluate(const Variables& variables, std::uint64_t max_cost) const {
  Budget budget(max_cost);
  return evaluate(variables, budget);
}

Result<Value> Expression::evaluate(const Variables& variables, Budget& budget) const {
  Value value = expr::evaluate(*tree_, container_, variables, budget);
  if (!value.is_error()) return value;
  const EvaluationError& error = value.as_error();
  const std::string message = concat(error.position.line, ":", error.position.column, ": ", error.message);
  return error.limit ? resource_exhausted(message) : invalid_argument(message);
}

}  // namespace reliant::expr

// Values of expressions as text, so that a test reads like a table.
#pragma once

#include <string>
#include <string_view>

#include "expr/expression.h"
#include "expr/text.h"

namespace reliant::expr {

inline std::string show(const Value& value) {
  Budget budget(10'000);
  return literal_text(value, budget);
}

// The value, or the error's message.
inline std::string result_of(std::string_view source, const Variables& variables = {}, const Environment& environment = {}) {
  const auto expression = Expression::parse(source, environment);
  if (!expression.ok()) return std::string(message_of(expression.status()));
  const auto value = expression->evaluate(variables);
  return value.ok() ? show(*value) : std::string(message_of(value.status()));
}

}  // namespace reliant::expr

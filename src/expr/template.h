// A text with expressions in it: "deploy {{ inputs.name }} to {{ nodes.pick.outputs.host }}". Braces, strings and comments of an
// expression are CEL's, so that {{ {'a': '}}'} }} is one; the text {{ itself is written {{ '{{' }}.
//
// A template that is one expression and nothing else has that expression's own type. In other text a value is written as string(x)
// writes it; null and an optional without a value are empty, lists and maps are JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "expr/expression.h"

namespace reliant::expr {

class Template {
 public:
  // INVALID_ARGUMENT: "3:14: …", counted in the template.
  static Result<Template> compile(std::string_view text, const Environment& environment);

  // The value of the one expression, or the text as a string.
  Result<Value> evaluate(const Variables& variables, std::uint64_t max_cost = kDefaultCost) const;
  Result<std::string> render(const Variables& variables, std::uint64_t max_cost = kDefaultCost) const;

  // As a command of a POSIX shell: each value is quoted for the place where it stands, and a list is as many words. {{ raw(x) }} is
  // not quoted. FAILED_PRECONDITION: a reference without any function or operator, {{ inputs.folder }}, is empty or null (`rm -rf
  // {{ folder }}/*` must not run then); INVALID_ARGUMENT: a value stands where its quoting is not certain, such as in a here-document.
  Result<std::string> render_command(const Variables& variables, std::uint64_t max_cost = kDefaultCost) const;

  // Whether evaluate() gives the value of an expression rather than a string.
  bool is_expression() const { return parts_.size() == 1 && parts_[0].expression != nullptr; }
  // What evaluate() gives.
  Type type() const;
  // In their order; they live as long as the template.
  std::vector<const Expression*> expressions() const;

 private:
  // Text, or an expression.
  struct Part {
    std::string text;  // of an expression: its source
    std::shared_ptr<const Expression> expression;
    Position position;
  };

  Result<std::string> command_words(const Part& part, const Value& value, class ShellText& shell, Budget& budget) const;

  std::vector<Part> parts_;
};

}  // namespace reliant::expr

// Expressions and templates from workflow files. What is refused is refused with its line and column; what is read is evaluated to
// the same value each time, within the limits; what the checker lets through has a type; neither reads beyond what it may.
#include <string>

#include "expr/template.h"
#include "expr/text.h"
#include "fuzz_input.h"

namespace reliant::expr {
namespace {

constexpr std::uint64_t kCost = 20'000;

Variables variables() {
  Map inputs;
  inputs.insert(Value::string("name"), Value::string("it's $HOME; \"x\""));
  inputs.insert(Value::string("count"), Value::integer(3));
  inputs.insert(Value::string("none"), Value());
  inputs.insert(Value::string("files"), Value::list({Value::string("a b"), Value::string("")}));
  return {{"inputs", Value::map(std::move(inputs))}, {"x", Value::string("text")}, {"n", Value::floating(1.5)}};
}

// "3:14: …"
void check_place(const Status& status) {
  const std::string_view message = message_of(status);
  const std::size_t line = message.find_first_not_of("0123456789");
  RELIANT_ASSERT(line != 0 && line != std::string_view::npos && message[line] == ':', "an error begins with its line");
  const std::size_t column = message.find_first_not_of("0123456789", line + 1);
  RELIANT_ASSERT(column != line + 1 && column != std::string_view::npos && message[column] == ':', "an error has its column");
}

void check_failure(const Status& status) {
  const bool known = status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kResourceExhausted ||
                     status.code() == StatusCode::kFailedPrecondition;
  RELIANT_ASSERT(known, "an evaluation fails in a way that is known");
  check_place(status);
}

std::string outcome_of(const Result<Value>& value) {
  if (!value.ok()) check_failure(value.status());
  Budget budget(kCost);
  return value.ok() ? literal_text(*value, budget) : std::string(message_of(value.status()));
}

void check_expression(std::string_view source, const Environment& environment) {
  const auto expression = Expression::parse(source, environment);
  if (!expression.ok()) {
    fuzz::check_refusal(expression.status());
    check_place(expression.status());
    return;
  }
  const std::string first = outcome_of(expression->evaluate(variables(), kCost));
  RELIANT_ASSERT(first == outcome_of(expression->evaluate(variables(), kCost)), "an expression has one value");
  const auto checked = Expression::compile(source, environment);
  if (!checked.ok()) return check_place(checked.status());
  RELIANT_ASSERT(first == outcome_of(checked->evaluate(variables(), kCost)),
                 "the checker does not change what an expression means");
  RELIANT_ASSERT(!to_string(checked->type()).empty(), "an expression has a type");
}

void check_template(std::string_view text, const Environment& environment) {
  const auto compiled = Template::compile(text, environment);
  if (!compiled.ok()) {
    fuzz::check_refusal(compiled.status());
    return check_place(compiled.status());
  }
  outcome_of(compiled->evaluate(variables(), kCost));
  for (const auto& result : {compiled->render(variables(), kCost), compiled->render_command(variables(), kCost)})
    if (!result.ok()) check_failure(result.status());
}

void check_text(std::string_view text) {
  Environment environment;
  environment.variables = {{"inputs", map_of({TypeKind::kString, {}, {}}, {})}, {"x", {TypeKind::kString, {}, {}}}, {"n", {}}};
  check_expression(text, environment);
  check_template(text, environment);
}

}  // namespace
}  // namespace reliant::expr

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::expr::check_text(reliant::fuzz::text_of(data, size));
  return 0;
}

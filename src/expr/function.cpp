#include "expr/function.h"

#include "base/assert.h"

namespace reliant::expr {
namespace {

// What the elements of a type are called where a type is read: it is the receiver, when a dot follows.
std::optional<Type> take_receiver(std::string_view& text) {
  std::string_view rest = text;
  auto type = take_type(rest);
  if (!type.ok() || !rest.starts_with('.')) return std::nullopt;
  text = rest.substr(1);
  return *std::move(type);
}

Type taken(std::string_view& text) {
  auto type = take_type(text);
  RELIANT_ASSERT(type.ok(), "a function's signature can be read");
  return *std::move(type);
}

}  // namespace

void Functions::declare(std::span<const Declaration> declarations) {
  for (const Declaration& declaration : declarations) {
    std::string_view text = declaration.signature;
    Overload overload;
    overload.implementation = declaration.implementation;
    if (auto receiver = take_receiver(text)) {
      overload.member = true;
      overload.parameters.push_back(*std::move(receiver));
    }
    const std::size_t open = text.find('(');
    RELIANT_ASSERT(open != std::string_view::npos, "a function's signature has brackets");
    std::string name(text.substr(0, open));
    text.remove_prefix(open + 1);
    while (!text.starts_with(')')) {
      if (text.starts_with(',')) text.remove_prefix(1);
      overload.parameters.push_back(taken(text));
      if (text.starts_with("...")) {
        overload.variadic = true;
        text.remove_prefix(3);
      }
    }
    text.remove_prefix(1);
    RELIANT_ASSERT(text.starts_with(": "), "a function's signature has a result");
    text.remove_prefix(2);
    overload.result = taken(text);
    RELIANT_ASSERT(text.empty(), "a function's signature ends with its result");
    declare(std::move(name), std::move(overload));
  }
}

const std::vector<Overload>* Functions::find(std::string_view name) const {
  const auto at = overloads_.find(name);
  return at == overloads_.end() ? nullptr : &at->second;
}

std::vector<std::string_view> Functions::names() const {
  std::vector<std::string_view> out;
  for (const auto& [name, overloads] : overloads_)
    if (!is_operator(name)) out.emplace_back(name);
  return out;
}

const Functions& standard_functions() {
  static const Functions functions = [] {
    Functions out;
    for (const auto& part :
         {operator_declarations(), conversion_declarations(), time_declarations(), string_declarations(), format_declarations(),
          math_declarations(), list_declarations(), optional_declarations(), encoder_declarations(), workflow_declarations()})
      out.declare(part);
    return out;
  }();
  return functions;
}

std::string written(std::string_view function) {
  if (function == "@in") return "in";
  std::string out(function);
  if (is_operator(function)) std::erase(out, '_');
  return out;
}

bool is_operator(std::string_view function) {
  return function.starts_with('_') || function == "@in" || function == "!_" || function == "-_";
}

Value no_such_overload(std::string_view function, std::span<const Value> arguments) {
  std::string types;
  for (const Value& argument : arguments) types += (types.empty() ? "" : ", ") + std::string(type_name(argument));
  return Value::error(concat("no such overload: ", written(function), is_operator(function) ? " of (" : "(", types, ")"));
}

Value limit_reached() {
  return Value::error(EvaluationError{
      "the evaluation is larger than the limit of its cost; make the expression or its input smaller", {}, true});
}

}  // namespace reliant::expr

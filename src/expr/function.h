// The functions that expressions may call. Each overload is declared by its signature as text, "string.charAt(int): string"; the
// checker reads its types, and the evaluator picks the overload that accepts the arguments, so that an implementation need not ask
// what it was given.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/type.h"
#include "expr/value.h"

namespace reliant::expr {

// `arguments` begin with the receiver, if there is one. An error is returned as a Value.
using Implementation = Value (*)(std::span<const Value> arguments, Budget& budget);

struct Overload {
  bool member = false;    // receiver.name(…)
  bool variadic = false;  // the last parameter stands once or more often
  std::vector<Type> parameters;
  Type result;
  Implementation implementation = nullptr;  // null: known to the checker only

  bool takes(std::size_t count) const { return variadic ? count >= parameters.size() : count == parameters.size(); }
  const Type& parameter(std::size_t i) const { return i < parameters.size() ? parameters[i] : parameters.back(); }
};

struct Declaration {
  // "name(int, A): list(A)", "string.name(): int", "name(dyn...): dyn".
  std::string_view signature;
  Implementation implementation;
};

class Functions {
 public:
  // A signature that cannot be read is a defect of ours.
  void declare(std::span<const Declaration> declarations);
  void declare(std::string name, Overload overload) { overloads_[std::move(name)].push_back(std::move(overload)); }

  // Null: there is no such function.
  const std::vector<Overload>* find(std::string_view name) const;
  // Without the operators.
  std::vector<std::string_view> names() const;

 private:
  std::map<std::string, std::vector<Overload>, std::less<>> overloads_;
};

// CEL's own functions, its extensions (strings, math, lists, optionals, encoders) and those of workflows.
const Functions& standard_functions();

// An operator's function as it is written: "+" for "_+_". Of another name: itself.
std::string written(std::string_view function);
bool is_operator(std::string_view function);

// The error of a call that no overload takes.
Value no_such_overload(std::string_view function, std::span<const Value> arguments);
// The error of an evaluation whose budget is spent.
Value limit_reached();

// The parts of standard_functions(), each a file of functions/.
std::span<const Declaration> operator_declarations();
std::span<const Declaration> conversion_declarations();
std::span<const Declaration> time_declarations();
std::span<const Declaration> string_declarations();
std::span<const Declaration> format_declarations();
std::span<const Declaration> math_declarations();
std::span<const Declaration> list_declarations();
std::span<const Declaration> optional_declarations();
std::span<const Declaration> encoder_declarations();
std::span<const Declaration> workflow_declarations();

}  // namespace reliant::expr

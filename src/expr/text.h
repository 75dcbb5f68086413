// How values are written as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "expr/value.h"

namespace reliant::expr {

// The shortest digits that are read back as the same double: "0.1", "1e+21", "NaN", "-Infinity".
std::string text_of_double(double number);

// The nearest double, 0 for what is nearer to it than any other; nullopt: no number, or larger than all doubles.
std::optional<double> read_double(std::string_view text);

// Of a bool, a number, a string, a timestamp ("2024-12-31T23:59:59Z"), a duration ("5400s") or a type, as string(x) gives it;
// nullopt for the others.
std::optional<std::string> text_of_scalar(const Value& value);

// As an expression would write it: "{'a': [1, 2u, 3.0]}", "optional.of(b'x')". For messages and tests: quotes in strings stay as they
// are. A value may be a tree of more leaves than there is memory, which share their parts: beyond the budget it is cut off with "…".
std::string literal_text(const Value& value, Budget& budget);

}  // namespace reliant::expr

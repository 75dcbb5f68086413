// Optional values: what may be missing, without an error.
#include <array>

#include "expr/function.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

Value none(Arguments, Budget&) { return Value::optional_none(); }
Value of(Arguments a, Budget&) { return Value::optional_of(a[0]); }
Value of_non_zero(Arguments a, Budget&) { return is_zero(a[0]) ? Value::optional_none() : Value::optional_of(a[0]); }

Value has_value(Arguments a, Budget&) { return Value::boolean(a[0].as_optional() != nullptr); }
Value value(Arguments a, Budget&) {
  const Value* held = a[0].as_optional();
  return held != nullptr ? *held
                         : Value::error("optional.none() dereference: value() of an optional that has none; use orValue(…)");
}
Value or_optional(Arguments a, Budget&) { return a[0].as_optional() != nullptr ? a[0] : a[1]; }
Value or_value(Arguments a, Budget&) { return a[0].as_optional() != nullptr ? *a[0].as_optional() : a[1]; }

// The optionals' values, without those that have none.
Value unwrap(Arguments a, Budget& budget) {
  if (!budget.spend(a[0].as_list().size())) return limit_reached();
  List out;
  for (const Value& element : a[0].as_list()) {
    if (!element.is(Kind::kOptional)) return no_such_overload("unwrapOpt", a);
    if (element.as_optional() != nullptr) out.push_back(*element.as_optional());
  }
  return Value::list(std::move(out));
}

constexpr std::array kDeclarations{
    Declaration{"optional.none(): optional_type(A)", none},
    Declaration{"optional.of(A): optional_type(A)", of},
    Declaration{"optional.ofNonZeroValue(A): optional_type(A)", of_non_zero},
    Declaration{"optional_type(A).hasValue(): bool", has_value},
    Declaration{"optional_type(A).value(): A", value},
    Declaration{"optional_type(A).or(optional_type(A)): optional_type(A)", or_optional},
    Declaration{"optional_type(A).orValue(A): A", or_value},
    Declaration{"optional.unwrap(list(optional_type(A))): list(A)", unwrap},
    Declaration{"list(optional_type(A)).unwrapOpt(): list(A)", unwrap},
};

}  // namespace

std::span<const Declaration> optional_declarations() { return kDeclarations; }

}  // namespace reliant::expr

// The extension `math`.
#include <array>
#include <cmath>
#include <limits>

#include "expr/function.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

// The extreme of numbers of any types; the first of equal ones.
Value extreme(std::string_view function, Arguments numbers, bool greatest) {
  if (numbers.empty()) return Value::error(concat("invalid_argument: ", function, "() of an empty list"));
  const Value* best = nullptr;
  for (const Value& number : numbers) {
    if (!number.is_number()) return no_such_overload(function, std::array{number});
    const bool better = best == nullptr || (greatest ? *compare(number, *best) > 0 : *compare(number, *best) < 0);
    if (better) best = &number;
  }
  return *best;
}

Value greatest(Arguments a, Budget&) { return extreme("math.greatest", a, true); }
Value least(Arguments a, Budget&) { return extreme("math.least", a, false); }
Value greatest_of_list(Arguments a, Budget& budget) {
  return budget.spend(a[0].as_list().size()) ? extreme("math.greatest", a[0].as_list(), true) : limit_reached();
}
Value least_of_list(Arguments a, Budget& budget) {
  return budget.spend(a[0].as_list().size()) ? extreme("math.least", a[0].as_list(), false) : limit_reached();
}

Value ceil(Arguments a, Budget&) { return Value::floating(std::ceil(a[0].as_double())); }
Value floor(Arguments a, Budget&) { return Value::floating(std::floor(a[0].as_double())); }
Value round(Arguments a, Budget&) { return Value::floating(std::round(a[0].as_double())); }
Value trunc(Arguments a, Budget&) { return Value::floating(std::trunc(a[0].as_double())); }
Value sqrt_double(Arguments a, Budget&) { return Value::floating(std::sqrt(a[0].as_double())); }
Value sqrt_int(Arguments a, Budget&) { return Value::floating(std::sqrt(static_cast<double>(a[0].as_int()))); }
Value sqrt_uint(Arguments a, Budget&) { return Value::floating(std::sqrt(static_cast<double>(a[0].as_uint()))); }

Value same(Arguments a, Budget&) { return a[0]; }
Value abs_double(Arguments a, Budget&) { return Value::floating(std::abs(a[0].as_double())); }
Value abs_int(Arguments a, Budget&) {
  if (a[0].as_int() == std::numeric_limits<std::int64_t>::min())
    return Value::error("overflow: the result is no 64-bit integer");
  return Value::integer(std::abs(a[0].as_int()));
}

Value sign_double(Arguments a, Budget&) {
  const double number = a[0].as_double();
  if (std::isnan(number) || number == 0) return Value::floating(number);
  return Value::floating(number < 0 ? -1 : 1);
}
Value sign_int(Arguments a, Budget&) { return Value::integer((a[0].as_int() > 0) - (a[0].as_int() < 0)); }
Value sign_uint(Arguments a, Budget&) { return Value::unsigned_integer(a[0].as_uint() > 0 ? 1 : 0); }

Value is_nan(Arguments a, Budget&) { return Value::boolean(std::isnan(a[0].as_double())); }
Value is_inf(Arguments a, Budget&) { return Value::boolean(std::isinf(a[0].as_double())); }
Value is_finite(Arguments a, Budget&) { return Value::boolean(std::isfinite(a[0].as_double())); }

Value and_ints(Arguments a, Budget&) { return Value::integer(a[0].as_int() & a[1].as_int()); }
Value and_uints(Arguments a, Budget&) { return Value::unsigned_integer(a[0].as_uint() & a[1].as_uint()); }
Value or_ints(Arguments a, Budget&) { return Value::integer(a[0].as_int() | a[1].as_int()); }
Value or_uints(Arguments a, Budget&) { return Value::unsigned_integer(a[0].as_uint() | a[1].as_uint()); }
Value xor_ints(Arguments a, Budget&) { return Value::integer(a[0].as_int() ^ a[1].as_int()); }
Value xor_uints(Arguments a, Budget&) { return Value::unsigned_integer(a[0].as_uint() ^ a[1].as_uint()); }
Value not_int(Arguments a, Budget&) { return Value::integer(~a[0].as_int()); }
Value not_uint(Arguments a, Budget&) { return Value::unsigned_integer(~a[0].as_uint()); }

// Bits that are shifted out are lost, and zeros follow, for ints as for uints.
template <class Shift>
Value shifted(Arguments a, Shift shift) {
  const std::int64_t count = a[1].as_int();
  if (count < 0) return Value::error(concat("negative offset: ", count));
  const std::uint64_t bits = a[0].is(Kind::kInt) ? static_cast<std::uint64_t>(a[0].as_int()) : a[0].as_uint();
  const std::uint64_t out = count > 63 ? 0 : shift(bits, static_cast<unsigned>(count));
  return a[0].is(Kind::kInt) ? Value::integer(static_cast<std::int64_t>(out)) : Value::unsigned_integer(out);
}
Value shift_left(Arguments a, Budget&) {
  return shifted(a, [](std::uint64_t bits, unsigned count) { return bits << count; });
}
Value shift_right(Arguments a, Budget&) {
  return shifted(a, [](std::uint64_t bits, unsigned count) { return bits >> count; });
}

constexpr std::array kDeclarations{
    Declaration{"math.greatest(list(dyn)): dyn", greatest_of_list},
    Declaration{"math.greatest(dyn...): dyn", greatest},
    Declaration{"math.least(list(dyn)): dyn", least_of_list},
    Declaration{"math.least(dyn...): dyn", least},
    Declaration{"math.ceil(double): double", ceil},
    Declaration{"math.floor(double): double", floor},
    Declaration{"math.round(double): double", round},
    Declaration{"math.trunc(double): double", trunc},
    Declaration{"math.sqrt(double): double", sqrt_double},
    Declaration{"math.sqrt(int): double", sqrt_int},
    Declaration{"math.sqrt(uint): double", sqrt_uint},
    Declaration{"math.abs(double): double", abs_double},
    Declaration{"math.abs(int): int", abs_int},
    Declaration{"math.abs(uint): uint", same},
    Declaration{"math.sign(double): double", sign_double},
    Declaration{"math.sign(int): int", sign_int},
    Declaration{"math.sign(uint): uint", sign_uint},
    Declaration{"math.isNaN(double): bool", is_nan},
    Declaration{"math.isInf(double): bool", is_inf},
    Declaration{"math.isFinite(double): bool", is_finite},
    Declaration{"math.bitAnd(int, int): int", and_ints},
    Declaration{"math.bitAnd(uint, uint): uint", and_uints},
    Declaration{"math.bitOr(int, int): int", or_ints},
    Declaration{"math.bitOr(uint, uint): uint", or_uints},
    Declaration{"math.bitXor(int, int): int", xor_ints},
    Declaration{"math.bitXor(uint, uint): uint", xor_uints},
    Declaration{"math.bitNot(int): int", not_int},
    Declaration{"math.bitNot(uint): uint", not_uint},
    Declaration{"math.bitShiftLeft(int, int): int", shift_left},
    Declaration{"math.bitShiftLeft(uint, int): uint", shift_left},
    Declaration{"math.bitShiftRight(int, int): int", shift_right},
    Declaration{"math.bitShiftRight(uint, int): uint", shift_right},
};

}  // namespace

std::span<const Declaration> math_declarations() { return kDeclarations; }

}  // namespace reliant::expr

// Arithmetic, comparison, concatenation and membership. Integers never wrap: an overflow is an error.
#include <array>
#include <cmath>
#include <deque>
#include <limits>

#include "expr/characters.h"
#include "expr/function.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

Value overflow() { return Value::error("return error for overflow: the result is no 64-bit integer"); }

template <class Operation>
Value int_result(Arguments a, Operation operation) {
  std::int64_t out = 0;
  return operation(a[0].as_int(), a[1].as_int(), &out) ? overflow() : Value::integer(out);
}
template <class Operation>
Value uint_result(Arguments a, Operation operation) {
  std::uint64_t out = 0;
  return operation(a[0].as_uint(), a[1].as_uint(), &out) ? overflow() : Value::unsigned_integer(out);
}

Value add_ints(Arguments a, Budget&) {
  return int_result(a, [](auto x, auto y, auto* out) { return __builtin_add_overflow(x, y, out); });
}
Value add_uints(Arguments a, Budget&) {
  return uint_result(a, [](auto x, auto y, auto* out) { return __builtin_add_overflow(x, y, out); });
}
Value subtract_ints(Arguments a, Budget&) {
  return int_result(a, [](auto x, auto y, auto* out) { return __builtin_sub_overflow(x, y, out); });
}
Value subtract_uints(Arguments a, Budget&) {
  return uint_result(a, [](auto x, auto y, auto* out) { return __builtin_sub_overflow(x, y, out); });
}
Value multiply_ints(Arguments a, Budget&) {
  return int_result(a, [](auto x, auto y, auto* out) { return __builtin_mul_overflow(x, y, out); });
}
Value multiply_uints(Arguments a, Budget&) {
  return uint_result(a, [](auto x, auto y, auto* out) { return __builtin_mul_overflow(x, y, out); });
}

constexpr std::int64_t kLeastInt = std::numeric_limits<std::int64_t>::min();

Value divide_ints(Arguments a, Budget&) {
  if (a[1].as_int() == 0) return Value::error("divide by zero");
  if (a[0].as_int() == kLeastInt && a[1].as_int() == -1) return overflow();
  return Value::integer(a[0].as_int() / a[1].as_int());
}
Value divide_uints(Arguments a, Budget&) {
  if (a[1].as_uint() == 0) return Value::error("divide by zero");
  return Value::unsigned_integer(a[0].as_uint() / a[1].as_uint());
}
Value modulo_ints(Arguments a, Budget&) {
  if (a[1].as_int() == 0) return Value::error("modulus by zero");
  if (a[0].as_int() == kLeastInt && a[1].as_int() == -1) return overflow();
  return Value::integer(a[0].as_int() % a[1].as_int());
}
Value modulo_uints(Arguments a, Budget&) {
  if (a[1].as_uint() == 0) return Value::error("modulus by zero");
  return Value::unsigned_integer(a[0].as_uint() % a[1].as_uint());
}
Value negate_int(Arguments a, Budget&) { return a[0].as_int() == kLeastInt ? overflow() : Value::integer(-a[0].as_int()); }

Value add_doubles(Arguments a, Budget&) { return Value::floating(a[0].as_double() + a[1].as_double()); }
Value subtract_doubles(Arguments a, Budget&) { return Value::floating(a[0].as_double() - a[1].as_double()); }
Value multiply_doubles(Arguments a, Budget&) { return Value::floating(a[0].as_double() * a[1].as_double()); }
Value divide_doubles(Arguments a, Budget&) {
  const double divisor = a[1].as_double();
  // Division by zero is defined for IEEE 754, and not for C++.
  if (divisor != 0) return Value::floating(a[0].as_double() / divisor);
  const double dividend = a[0].as_double();
  if (dividend == 0 || std::isnan(dividend)) return Value::floating(std::numeric_limits<double>::quiet_NaN());
  const bool negative = std::signbit(dividend) != std::signbit(divisor);
  return Value::floating(std::copysign(std::numeric_limits<double>::infinity(), negative ? -1 : 1));
}
Value negate_double(Arguments a, Budget&) { return Value::floating(-a[0].as_double()); }

Value add_strings(Arguments a, Budget& budget) {
  if (!budget.spend_bytes(a[0].as_string().size() + a[1].as_string().size())) return limit_reached();
  return Value::string(a[0].as_string() + a[1].as_string());
}
Value add_bytes(Arguments a, Budget& budget) {
  if (!budget.spend_bytes(a[0].as_bytes().size() + a[1].as_bytes().size())) return limit_reached();
  return Value::bytes(a[0].as_bytes() + a[1].as_bytes());
}
Value add_lists(Arguments a, Budget& budget) {
  if (!budget.spend(a[0].as_list().size() + a[1].as_list().size())) return limit_reached();
  List out = a[0].as_list();
  out.insert(out.end(), a[1].as_list().begin(), a[1].as_list().end());
  return Value::list(std::move(out));
}

Value negate_bool(Arguments a, Budget&) { return Value::boolean(!a[0].as_bool()); }

Value is_equal(Arguments a, Budget& budget) {
  const bool result = equal(a[0], a[1], budget);
  return budget.exhausted() ? limit_reached() : Value::boolean(result);
}
Value is_unequal(Arguments a, Budget& budget) {
  const bool result = !equal(a[0], a[1], budget);
  return budget.exhausted() ? limit_reached() : Value::boolean(result);
}

template <class Holds>
Value ordered(Arguments a, Budget& budget, Holds holds) {
  if (a[0].is(Kind::kString) && !budget.spend_bytes(a[0].as_string().size())) return limit_reached();
  if (a[0].is(Kind::kBytes) && !budget.spend_bytes(a[0].as_bytes().size())) return limit_reached();
  const auto order = compare(a[0], a[1]);
  return Value::boolean(order && holds(*order));
}
Value is_less(Arguments a, Budget& budget) {
  return ordered(a, budget, [](std::partial_ordering order) { return order < 0; });
}
Value is_at_most(Arguments a, Budget& budget) {
  return ordered(a, budget, [](std::partial_ordering order) { return order <= 0; });
}
Value is_greater(Arguments a, Budget& budget) {
  return ordered(a, budget, [](std::partial_ordering order) { return order > 0; });
}
Value is_at_least(Arguments a, Budget& budget) {
  return ordered(a, budget, [](std::partial_ordering order) { return order >= 0; });
}

Value in_list(Arguments a, Budget& budget) {
  bool found = false;
  for (const Value& element : a[1].as_list()) {
    found = equal(a[0], element, budget);
    if (budget.exhausted()) return limit_reached();
    if (found) break;
  }
  return Value::boolean(found);
}
Value in_map(Arguments a, Budget&) {
  const auto key = map_key(a[0]);
  return Value::boolean(key && a[1].as_map().find(*key) != nullptr);
}

Value string_size(Arguments a, Budget& budget) {
  if (!budget.spend_bytes(a[0].as_string().size())) return limit_reached();
  return Value::integer(static_cast<std::int64_t>(character_count(a[0].as_string())));
}
Value bytes_size(Arguments a, Budget&) { return Value::integer(static_cast<std::int64_t>(a[0].as_bytes().size())); }
Value list_size(Arguments a, Budget&) { return Value::integer(static_cast<std::int64_t>(a[0].as_list().size())); }
Value map_size(Arguments a, Budget&) { return Value::integer(static_cast<std::int64_t>(a[0].as_map().size())); }

constexpr std::array kFixed{
    Declaration{"_+_(int, int): int", add_ints},
    Declaration{"_+_(uint, uint): uint", add_uints},
    Declaration{"_+_(double, double): double", add_doubles},
    Declaration{"_+_(string, string): string", add_strings},
    Declaration{"_+_(bytes, bytes): bytes", add_bytes},
    Declaration{"_+_(list(A), list(A)): list(A)", add_lists},
    Declaration{"_-_(int, int): int", subtract_ints},
    Declaration{"_-_(uint, uint): uint", subtract_uints},
    Declaration{"_-_(double, double): double", subtract_doubles},
    Declaration{"_*_(int, int): int", multiply_ints},
    Declaration{"_*_(uint, uint): uint", multiply_uints},
    Declaration{"_*_(double, double): double", multiply_doubles},
    Declaration{"_/_(int, int): int", divide_ints},
    Declaration{"_/_(uint, uint): uint", divide_uints},
    Declaration{"_/_(double, double): double", divide_doubles},
    Declaration{"_%_(int, int): int", modulo_ints},
    Declaration{"_%_(uint, uint): uint", modulo_uints},
    Declaration{"-_(int): int", negate_int},
    Declaration{"-_(double): double", negate_double},
    Declaration{"!_(bool): bool", negate_bool},
    Declaration{"_==_(A, A): bool", is_equal},
    Declaration{"_!=_(A, A): bool", is_unequal},
    Declaration{"@in(A, list(A)): bool", in_list},
    Declaration{"@in(A, map(A, B)): bool", in_map},
    Declaration{"size(string): int", string_size},
    Declaration{"size(bytes): int", bytes_size},
    Declaration{"size(list(A)): int", list_size},
    Declaration{"size(map(A, B)): int", map_size},
    Declaration{"string.size(): int", string_size},
    Declaration{"bytes.size(): int", bytes_size},
    Declaration{"list(A).size(): int", list_size},
    Declaration{"map(A, B).size(): int", map_size},
};

constexpr std::array<std::string_view, 8> kOrdered{"bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"};
constexpr std::array<std::string_view, 3> kNumbers{"int", "uint", "double"};

struct Comparison {
  std::string_view name;
  Implementation implementation;
};
constexpr std::array kComparisons{Comparison{"_<_", is_less}, Comparison{"_<=_", is_at_most}, Comparison{"_>_", is_greater},
                                  Comparison{"_>=_", is_at_least}};

struct AllOperators {
  std::deque<std::string> signatures;  // the declarations refer to them
  std::vector<Declaration> declarations{kFixed.begin(), kFixed.end()};

  AllOperators() {
    for (const Comparison& comparison : kComparisons) {
      for (const std::string_view type : kOrdered) add(comparison, type, type);
      for (const std::string_view left : kNumbers)
        for (const std::string_view right : kNumbers)
          if (left != right) add(comparison, left, right);
    }
  }
  void add(const Comparison& comparison, std::string_view left, std::string_view right) {
    signatures.push_back(concat(comparison.name, "(", left, ", ", right, "): bool"));
    declarations.push_back({signatures.back(), comparison.implementation});
  }
};

}  // namespace

std::span<const Declaration> operator_declarations() {
  static const AllOperators all;
  return all.declarations;
}

}  // namespace reliant::expr

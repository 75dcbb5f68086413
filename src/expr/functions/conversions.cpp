// Conversions between types, and `type` and `dyn`. A number that does not fit is a range error.
#include <array>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "expr/function.h"
#include "expr/text.h"
#include "expr/time.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr double kTwoTo64 = 18446744073709551616.0;

Value same(Arguments a, Budget&) { return a[0]; }
Value type_of(Arguments a, Budget&) { return Value::type(std::string(type_name(a[0]))); }

Value range_error(std::string_view type, const std::string& number) {
  return Value::error(concat("range error: ", number, " is outside the range of ", type));
}
Value no_number(std::string_view type, std::string_view text) {
  return Value::error(concat("Type conversion error: '", text, "' is no ", type));
}

Value int_of_uint(Arguments a, Budget&) {
  if (a[0].as_uint() > static_cast<std::uint64_t>(INT64_MAX)) return range_error("int", concat(a[0].as_uint()));
  return Value::integer(static_cast<std::int64_t>(a[0].as_uint()));
}
// The ends of the range are no double that has a neighbour there: they are outside, too.
Value int_of_double(Arguments a, Budget&) {
  const double number = a[0].as_double();
  if (!(number > -kTwoTo63 && number < kTwoTo63)) return range_error("int", text_of_double(number));
  return Value::integer(static_cast<std::int64_t>(number));
}
Value uint_of_int(Arguments a, Budget&) {
  if (a[0].as_int() < 0) return range_error("uint", concat(a[0].as_int()));
  return Value::unsigned_integer(static_cast<std::uint64_t>(a[0].as_int()));
}
Value uint_of_double(Arguments a, Budget&) {
  const double number = a[0].as_double();
  if (!(number >= 0 && number < kTwoTo64)) return range_error("uint", text_of_double(number));
  return Value::unsigned_integer(static_cast<std::uint64_t>(number));
}

template <class Number>
bool read(std::string_view text, Number& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}
Value int_of_string(Arguments a, Budget&) {
  std::int64_t number = 0;
  return read(a[0].as_string(), number) ? Value::integer(number) : no_number("int", a[0].as_string());
}
Value uint_of_string(Arguments a, Budget&) {
  std::uint64_t number = 0;
  return read(a[0].as_string(), number) ? Value::unsigned_integer(number) : no_number("uint", a[0].as_string());
}
Value double_of_string(Arguments a, Budget&) {
  std::string_view text = a[0].as_string();
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto number = read_double(text);
  return number ? Value::floating(*number) : no_number("double", a[0].as_string());
}
Value double_of_int(Arguments a, Budget&) { return Value::floating(static_cast<double>(a[0].as_int())); }
Value double_of_uint(Arguments a, Budget&) { return Value::floating(static_cast<double>(a[0].as_uint())); }

Value bool_of_string(Arguments a, Budget&) {
  const std::string& text = a[0].as_string();
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return Value::boolean(true);
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == no) return Value::boolean(false);
  return no_number("bool", text);
}

Value string_of(Arguments a, Budget& budget) {
  auto text = text_of_scalar(a[0]);
  if (!budget.spend_bytes(text ? text->size() : 0)) return limit_reached();
  return text ? Value::string(*std::move(text)) : no_such_overload("string", a);
}
Value string_of_bytes(Arguments a, Budget& budget) {
  if (!budget.spend_bytes(a[0].as_bytes().size())) return limit_reached();
  if (!is_valid_utf8(a[0].as_bytes())) return Value::error("invalid UTF-8: the bytes are no text");
  return Value::string(a[0].as_bytes());
}
Value bytes_of_string(Arguments a, Budget& budget) {
  if (!budget.spend_bytes(a[0].as_string().size())) return limit_reached();
  return Value::bytes(a[0].as_string());
}

Value int_of_timestamp(Arguments a, Budget&) { return Value::integer(a[0].as_timestamp().seconds); }
Value int_of_duration(Arguments a, Budget&) { return Value::integer(a[0].as_duration().nanos); }

Value timestamp_of_int(Arguments a, Budget&) {
  const Timestamp timestamp{a[0].as_int(), 0};
  if (!in_range(timestamp)) return range_error("timestamp", concat(a[0].as_int()));
  return Value::timestamp(timestamp);
}
Value timestamp_of_string(Arguments a, Budget&) {
  const auto timestamp = read_timestamp(a[0].as_string());
  if (!timestamp) return no_number("timestamp (2024-12-31T23:59:59Z)", a[0].as_string());
  if (!in_range(*timestamp)) return range_error("timestamp", a[0].as_string());
  return Value::timestamp(*timestamp);
}
Value duration_of_int(Arguments a, Budget&) { return Value::duration({a[0].as_int()}); }
Value duration_of_string(Arguments a, Budget&) {
  const auto duration = read_duration(a[0].as_string());
  if (!duration) return Value::error(concat("range error, or no duration (1h30m, 1.5s, 20ms): '", a[0].as_string(), "'"));
  return Value::duration(*duration);
}

constexpr std::array kDeclarations{
    Declaration{"dyn(A): dyn", same},
    Declaration{"type(A): type(A)", type_of},
    Declaration{"bool(bool): bool", same},
    Declaration{"bool(string): bool", bool_of_string},
    Declaration{"int(int): int", same},
    Declaration{"int(uint): int", int_of_uint},
    Declaration{"int(double): int", int_of_double},
    Declaration{"int(string): int", int_of_string},
    Declaration{"int(timestamp): int", int_of_timestamp},
    Declaration{"int(duration): int", int_of_duration},
    Declaration{"uint(uint): uint", same},
    Declaration{"uint(int): uint", uint_of_int},
    Declaration{"uint(double): uint", uint_of_double},
    Declaration{"uint(string): uint", uint_of_string},
    Declaration{"double(double): double", same},
    Declaration{"double(int): double", double_of_int},
    Declaration{"double(uint): double", double_of_uint},
    Declaration{"double(string): double", double_of_string},
    Declaration{"string(string): string", same},
    Declaration{"string(bool): string", string_of},
    Declaration{"string(int): string", string_of},
    Declaration{"string(uint): string", string_of},
    Declaration{"string(double): string", string_of},
    Declaration{"string(bytes): string", string_of_bytes},
    Declaration{"string(timestamp): string", string_of},
    Declaration{"string(duration): string", string_of},
    Declaration{"bytes(bytes): bytes", same},
    Declaration{"bytes(string): bytes", bytes_of_string},
    Declaration{"timestamp(timestamp): timestamp", same},
    Declaration{"timestamp(int): timestamp", timestamp_of_int},
    Declaration{"timestamp(string): timestamp", timestamp_of_string},
    Declaration{"duration(duration): duration", same},
    Declaration{"duration(int): duration", duration_of_int},
    Declaration{"duration(string): duration", duration_of_string},
};

}  // namespace

std::span<const Declaration> conversion_declarations() { return kDeclarations; }

}  // namespace reliant::expr

#include "expr/value.h"

#include <cmath>

#include "base/assert.h"

namespace reliant::expr {
namespace {

constexpr std::int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z

constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr double kTwoTo64 = 18446744073709551616.0;

// CEL compares an integer with a double as doubles: above 2^53 with the nearest one.
std::partial_ordering compare_double_int(double a, std::int64_t b) { return a <=> static_cast<double>(b); }
std::partial_ordering compare_double_uint(double a, std::uint64_t b) { return a <=> static_cast<double>(b); }

std::partial_ordering compare_int_uint(std::int64_t a, std::uint64_t b) {
  if (a < 0) return std::partial_ordering::less;
  return static_cast<std::uint64_t>(a) <=> b;
}

std::partial_ordering reversed(std::partial_ordering order) { return 0 <=> order; }

std::partial_ordering compare_numbers(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt:
      if (b.is(Kind::kInt)) return a.as_int() <=> b.as_int();
      if (b.is(Kind::kUint)) return compare_int_uint(a.as_int(), b.as_uint());
      return reversed(compare_double_int(b.as_double(), a.as_int()));
    case Kind::kUint:
      if (b.is(Kind::kUint)) return a.as_uint() <=> b.as_uint();
      if (b.is(Kind::kInt)) return reversed(compare_int_uint(b.as_int(), a.as_uint()));
      return reversed(compare_double_uint(b.as_double(), a.as_uint()));
    default:
      if (b.is(Kind::kDouble)) return a.as_double() <=> b.as_double();
      if (b.is(Kind::kInt)) return compare_double_int(a.as_double(), b.as_int());
      return compare_double_uint(a.as_double(), b.as_uint());
  }
}

// The order of keys: bools, numbers, strings.
int rank(const Value& key) {
  if (key.is(Kind::kBool)) return 0;
  return key.is(Kind::kString) ? 2 : 1;
}

bool equal_lists(const List& a, const List& b, Budget& budget) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!equal(a[i], b[i], budget)) return false;
  return true;
}

bool equal_maps(const Map& a, const Map& b, Budget& budget) {
  if (a.size() != b.size()) return false;
  for (auto x = a.begin(), y = b.begin(); x != a.end(); ++x, ++y)
    if (!equal(x->first, y->first, budget) || !equal(x->second, y->second, budget)) return false;
  return true;
}

}  // namespace

bool in_range(const Timestamp& timestamp) { return timestamp.seconds >= kFirstSecond && timestamp.seconds <= kLastSecond; }

Value Value::string(std::string text) {
  return Value(Data(std::in_place_index<5>, std::make_shared<const std::string>(std::move(text))));
}
Value Value::bytes(std::string bytes) {
  return Value(Data(std::in_place_index<6>, std::make_shared<const std::string>(std::move(bytes))));
}
Value Value::list(List elements) {
  return Value(Data(std::in_place_index<7>, std::make_shared<const List>(std::move(elements))));
}
Value Value::map(Map map) { return Value(Data(std::in_place_index<8>, std::make_shared<const Map>(std::move(map)))); }
Value Value::type(std::string name) {
  return Value(Data(std::in_place_index<11>, std::make_shared<const std::string>(std::move(name))));
}
Value Value::optional_none() { return Value(Data(std::in_place_index<12>, nullptr)); }
Value Value::optional_of(Value value) {
  return Value(Data(std::in_place_index<12>, std::make_shared<const Value>(std::move(value))));
}
Value Value::error(std::string message) { return error(EvaluationError{std::move(message), {}, false}); }
Value Value::error(EvaluationError error) {
  return Value(Data(std::in_place_index<13>, std::make_shared<const EvaluationError>(std::move(error))));
}

bool Map::Less::operator()(const Value& a, const Value& b) const {
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  const auto order = compare(a, b);
  return order && *order < 0;
}

const Value* Map::find(const Value& key) const {
  const auto at = entries_.find(key);
  return at == entries_.end() ? nullptr : &at->second;
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kType:
      return "type";
    case Kind::kOptional:
      return "optional_type";
    case Kind::kError:
      return "error";
  }
  RELIANT_UNREACHABLE("every kind of value has a name");
}

bool equal(const Value& a, const Value& b, Budget& budget) {
  if (!budget.spend(1)) return false;
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kString:
      return budget.spend_bytes(a.as_string().size()) && a.as_string() == b.as_string();
    case Kind::kBytes:
      return budget.spend_bytes(a.as_bytes().size()) && a.as_bytes() == b.as_bytes();
    case Kind::kList:
      return equal_lists(a.as_list(), b.as_list(), budget);
    case Kind::kMap:
      return equal_maps(a.as_map(), b.as_map(), budget);
    case Kind::kType:
      return a.as_type() == b.as_type();
    case Kind::kOptional: {
      const Value* x = a.as_optional();
      const Value* y = b.as_optional();
      return x == nullptr || y == nullptr ? x == y : equal(*x, *y, budget);
    }
    default: {
      const auto order = compare(a, b);
      return order && *order == 0;
    }
  }
}

std::optional<std::partial_ordering> compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (a.kind() != b.kind()) return std::nullopt;
  switch (a.kind()) {
    case Kind::kBool:
      return a.as_bool() <=> b.as_bool();
    case Kind::kString:
      return a.as_string() <=> b.as_string();  // of UTF-8 the order of bytes is that of code points
    case Kind::kBytes:
      return a.as_bytes() <=> b.as_bytes();
    case Kind::kTimestamp:
      return a.as_timestamp() <=> b.as_timestamp();
    case Kind::kDuration:
      return a.as_duration() <=> b.as_duration();
    default:
      return std::nullopt;
  }
}

std::optional<Value> map_key(const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kString:
      return value;
    case Kind::kDouble: {
      const double number = value.as_double();
      if (number != std::trunc(number)) return std::nullopt;
      if (number >= -kTwoTo63 && number < kTwoTo63) return Value::integer(static_cast<std::int64_t>(number));
      if (number >= 0 && number < kTwoTo64) return Value::unsigned_integer(static_cast<std::uint64_t>(number));
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

bool is_zero(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return !value.as_bool();
    case Kind::kInt:
      return value.as_int() == 0;
    case Kind::kUint:
      return value.as_uint() == 0;
    case Kind::kDouble:
      return value.as_double() == 0;
    case Kind::kString:
      return value.as_string().empty();
    case Kind::kBytes:
      return value.as_bytes().empty();
    case Kind::kList:
      return value.as_list().empty();
    case Kind::kMap:
      return value.as_map().size() == 0;
    case Kind::kTimestamp:
      return value.as_timestamp() == Timestamp{};
    case Kind::kDuration:
      return value.as_duration() == Duration{};
    case Kind::kOptional:
      return value.as_optional() == nullptr;
    case Kind::kType:
    case Kind::kError:
      return false;
  }
  return false;
}

}  // namespace reliant::expr

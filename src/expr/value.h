// A value of CEL: what an expression takes and gives. Small and cheap to copy: what is large is shared and never changes. A map is
// ordered by its keys, so that nothing depends on the order of a hash. An error is a value too, since `||` and `&&` may absorb it;
// the API turns it into a Status.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace reliant::expr {

class Value;

// The order is that of the alternatives in Value.
enum class Kind {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kList,
  kMap,
  kTimestamp,
  kDuration,
  kType,
  kOptional,
  kError,
};

// Where something stands in a source; both count from 1, columns in characters. {0, 0}: nowhere.
struct Position {
  int line = 0;
  int column = 0;
  auto operator<=>(const Position&) const = default;
};

// From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z; `nanos` is never negative.
struct Timestamp {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
  auto operator<=>(const Timestamp&) const = default;
};
bool in_range(const Timestamp& timestamp);

struct Duration {
  std::int64_t nanos = 0;
  auto operator<=>(const Duration&) const = default;
};

struct EvaluationError {
  std::string message;
  Position position;
  bool limit = false;  // a limit was exceeded: no operator absorbs it
};

using List = std::vector<Value>;

class Map;

class Value {
 public:
  Value() = default;  // null

  static Value boolean(bool value) { return Value(Data(std::in_place_index<1>, value)); }
  static Value integer(std::int64_t value) { return Value(Data(std::in_place_index<2>, value)); }
  static Value unsigned_integer(std::uint64_t value) { return Value(Data(std::in_place_index<3>, value)); }
  static Value floating(double value) { return Value(Data(std::in_place_index<4>, value)); }
  static Value string(std::string text);  // valid UTF-8
  static Value bytes(std::string bytes);
  static Value list(List elements);
  static Value map(Map map);
  static Value timestamp(Timestamp value) { return Value(Data(std::in_place_index<9>, value)); }
  static Value duration(Duration value) { return Value(Data(std::in_place_index<10>, value)); }
  static Value type(std::string name);
  static Value optional_none();
  static Value optional_of(Value value);
  static Value error(std::string message);
  static Value error(EvaluationError error);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_error() const { return is(Kind::kError); }
  bool is_number() const { return is(Kind::kInt) || is(Kind::kUint) || is(Kind::kDouble); }
  bool is_true() const { return is(Kind::kBool) && as_bool(); }
  bool is_false() const { return is(Kind::kBool) && !as_bool(); }

  bool as_bool() const { return std::get<1>(data_); }
  std::int64_t as_int() const { return std::get<2>(data_); }
  std::uint64_t as_uint() const { return std::get<3>(data_); }
  double as_double() const { return std::get<4>(data_); }
  const std::string& as_string() const { return *std::get<5>(data_); }
  const std::string& as_bytes() const { return *std::get<6>(data_); }
  const List& as_list() const { return *std::get<7>(data_); }
  const Map& as_map() const { return *std::get<8>(data_); }
  const Timestamp& as_timestamp() const { return std::get<9>(data_); }
  const Duration& as_duration() const { return std::get<10>(data_); }
  const std::string& as_type() const { return *std::get<11>(data_); }
  const Value* as_optional() const { return std::get<12>(data_).get(); }  // null: optional.none()
  const EvaluationError& as_error() const { return *std::get<13>(data_); }

 private:
  using Text = std::shared_ptr<const std::string>;
  using Data = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, Text, Text, std::shared_ptr<const List>,
                            std::shared_ptr<const Map>, Timestamp, Duration, Text, std::shared_ptr<const Value>,
                            std::shared_ptr<const EvaluationError>>;

  explicit Value(Data data) : data_(std::move(data)) {}

  Data data_;
};

// The name of the value's type, as `type(x)` gives it: "int", "google.protobuf.Duration".
std::string_view type_name(const Value& value);

// Sorted by key. A key is a bool, an int, a uint or a string, and 1 and 1u are the same one.
class Map {
 public:
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const { return find(Value::string(std::string(key))); }
  // False: the key is there already, and its value is kept.
  bool insert(Value key, Value value) { return entries_.emplace(std::move(key), std::move(value)).second; }

  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  struct Less {
    bool operator()(const Value& a, const Value& b) const;
  };
  std::map<Value, Value, Less> entries_;
};

// What is left of the work that an evaluation may do. One step is about one node, or sixteen bytes.
class Budget {
 public:
  explicit Budget(std::uint64_t steps) : left_(steps) {}
  // False: the limit is reached, now and from now on.
  bool spend(std::uint64_t steps) {
    exhausted_ = exhausted_ || steps > left_;
    left_ -= exhausted_ ? left_ : steps;
    return !exhausted_;
  }
  bool spend_bytes(std::uint64_t bytes) { return spend(1 + bytes / 16); }
  bool exhausted() const { return exhausted_; }

 private:
  std::uint64_t left_;
  bool exhausted_ = false;
};

// CEL's `==`: numbers are equal by value whatever their types, NaN to nothing. Spent budget gives false, and the caller asks
// `budget.exhausted()`.
bool equal(const Value& a, const Value& b, Budget& budget);

// CEL's order, of two numbers or two values of one type that has an order; `unordered` with a NaN, nullopt: no such overload.
std::optional<std::partial_ordering> compare(const Value& a, const Value& b);

// The key of a map that a look-up with this value means (the double 1.0: the int 1); nullopt: it can be no key.
std::optional<Value> map_key(const Value& value);

// The zero value of its type: 0, "", [], {}, false, null, none.
bool is_zero(const Value& value);

}  // namespace reliant::expr

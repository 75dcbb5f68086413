// JSON at the edges (REST bodies, bus messages, tool arguments). Values are Boost.JSON's; this file adds reading
// with errors that name the field, because bad input must say what is wrong and what to do. A client's body is read
// strictly: unknown fields and wrong types are errors. A peer of ours may be newer: its unknown fields are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/status.h"

namespace reliant {

namespace json = boost::json;

// INVALID_ARGUMENT with the offset of the first bad byte. Depth and size are bounded (32 levels).
Result<json::value> parse_json(std::string_view text);
std::string to_json(const json::value& value);
std::string to_json(const json::object& object);

// Reads one object strictly. Take every known field, then `finish()`: it returns the first error met (missing,
// wrong type, unknown field), annotated with the field's path. After an error the getters return empty values.
class JsonReader {
 public:
  // `path` is the prefix of field names in errors ("" for the whole body).
  explicit JsonReader(const json::value& value, std::string path = "");

  std::string required_string(std::string_view key);
  std::optional<std::string> optional_string(std::string_view key);
  std::int64_t required_int(std::string_view key);
  std::optional<std::int64_t> optional_int(std::string_view key);
  // Whole numbers from 0 to INT64_MAX: what a database keeps.
  std::uint64_t required_count(std::string_view key);
  std::optional<std::uint64_t> optional_count(std::string_view key);
  bool optional_bool(std::string_view key, bool fallback);
  // The raw value, or nullptr when absent; counts as known.
  const json::value* optional_value(std::string_view key);
  std::vector<std::string> optional_strings(std::string_view key);

  Status finish();
  // As finish(), but fields that this version does not know are left alone: what a newer peer added (rolling upgrades).
  const Status& finish_ignoring_unknown() const { return status_; }

 private:
  const json::value* take(std::string_view key);
  void fail(std::string_view key, std::string_view message);

  const json::object* object_ = nullptr;
  std::string path_;
  std::vector<std::string_view> known_;
  Status status_;
};

}  // namespace reliant

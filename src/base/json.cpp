#include "base/json.h"

#include <algorithm>
#include <cmath>

#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>

#include "base/utf8.h"

namespace reliant {
namespace {

// Everything outside of strings is ASCII, so what is replaced stands inside of one, and the JSON stays whole.
std::string as_text(std::string serialized) {
  return is_valid_utf8(serialized) ? std::move(serialized) : text_from_bytes(serialized);
}

}  // namespace

namespace {

// The parser takes 1e999 for infinity, which no JSON can say: written out, no reader takes it.
bool is_finite(const json::value& value) {
  if (const double* number = value.if_double()) return std::isfinite(*number);
  if (const json::array* items = value.if_array()) return std::ranges::all_of(*items, is_finite);
  const json::object* fields = value.if_object();
  return fields == nullptr || std::ranges::all_of(*fields, [](const auto& field) { return is_finite(field.value()); });
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 32;
  json::parser parser({}, options);
  boost::system::error_code error;
  const std::size_t used = parser.write(text.data(), text.size(), error);
  if (error) return invalid_argument("not valid JSON at byte ", used, ": ", error.message(), "; send one JSON value");
  json::value value = parser.release();
  if (!is_finite(value)) return invalid_argument("a number in the JSON is too large; send one below 1.8e308");
  return value;
}

std::string to_json(const json::value& value) { return as_text(json::serialize(value)); }
std::string to_json(const json::object& object) { return as_text(json::serialize(object)); }

JsonReader::JsonReader(const json::value& value, std::string path) : path_(std::move(path)) {
  object_ = value.if_object();
  if (!object_) status_ = invalid_field(path_, "must be a JSON object");
}

void JsonReader::fail(std::string_view key, std::string_view message) {
  if (!status_.ok()) return;
  const std::string field = path_.empty() ? std::string(key) : concat(path_, ".", key);
  status_ = invalid_field(field, concat("field \"", field, "\" ", message));
}

const json::value* JsonReader::take(std::string_view key) {
  known_.push_back(key);
  if (!object_) return nullptr;
  const json::value* value = object_->if_contains(json::string_view(key.data(), key.size()));
  return value && !value->is_null() ? value : nullptr;
}

std::string JsonReader::required_string(std::string_view key) {
  auto value = optional_string(key);
  if (!value) {
    fail(key, "is missing; send a string");
    return {};
  }
  return *std::move(value);
}

std::optional<std::string> JsonReader::optional_string(std::string_view key) {
  const json::value* value = take(key);
  if (!value) return std::nullopt;
  if (const json::string* text = value->if_string()) return std::string(text->data(), text->size());
  fail(key, "must be a string");
  return std::nullopt;
}

std::int64_t JsonReader::required_int(std::string_view key) {
  auto value = optional_int(key);
  if (!value) fail(key, "is missing; send an integer");
  return value.value_or(0);
}

std::optional<std::int64_t> JsonReader::optional_int(std::string_view key) {
  const json::value* value = take(key);
  if (!value) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (!error) return number;
  fail(key, "must be an integer");
  return std::nullopt;
}

std::uint64_t JsonReader::required_count(std::string_view key) {
  const auto value = optional_count(key);
  if (!value) fail(key, "is missing; send a whole number, 0 or more");
  return value.value_or(0);
}

std::optional<std::uint64_t> JsonReader::optional_count(std::string_view key) {
  const auto value = optional_int(key);
  if (!value) return std::nullopt;
  if (*value >= 0) return static_cast<std::uint64_t>(*value);
  fail(key, concat("is ", *value, "; send a whole number, 0 or more"));
  return std::nullopt;
}

bool JsonReader::optional_bool(std::string_view key, bool fallback) {
  const json::value* value = take(key);
  if (!value) return fallback;
  if (value->is_bool()) return value->get_bool();
  fail(key, "must be true or false");
  return fallback;
}

const json::value* JsonReader::optional_value(std::string_view key) { return take(key); }

std::vector<std::string> JsonReader::optional_strings(std::string_view key) {
  std::vector<std::string> strings;
  const json::value* value = take(key);
  if (!value) return strings;
  const json::array* array = value->if_array();
  if (!array) {
    fail(key, "must be a list of strings");
    return strings;
  }
  for (const json::value& item : *array) {
    const json::string* text = item.if_string();
    if (!text) {
      fail(key, "must be a list of strings");
      return {};
    }
    strings.emplace_back(text->data(), text->size());
  }
  return strings;
}

Status JsonReader::finish() {
  if (!status_.ok() || !object_) return status_;
  for (const auto& member : *object_)
    if (std::ranges::find(known_, std::string_view(member.key().data(), member.key().size())) == known_.end()) {
      fail(std::string_view(member.key().data(), member.key().size()), "is unknown; remove it or check its spelling");
      break;
    }
  return status_;
}

}  // namespace reliant

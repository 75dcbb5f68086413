#include "base/yaml.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/text.h"

namespace reliant {
namespace {

template <class Number>
bool parse_number(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace

Status YamlNode::error(std::string_view message) const { return invalid_argument(file, ":", line, ":", column, ": ", message); }

const YamlNode* YamlNode::find(std::string_view wanted) const {
  for (const YamlNode& value : fields)
    if (value.key == wanted) return &value;
  return nullptr;
}

Result<std::string> YamlNode::as_string() const {
  if (kind != Kind::kScalar) return error("must be a string");
  return scalar;
}

Result<std::int64_t> YamlNode::as_int() const {
  std::int64_t number = 0;
  if (kind != Kind::kScalar || quoted || !parse_number(scalar, number)) return error("must be an integer");
  return number;
}

Result<double> YamlNode::as_double() const {
  double number = 0;
  const bool read = kind == Kind::kScalar && !quoted && parse_number(scalar, number);
  if (!read || !std::isfinite(number)) return error("must be a number");
  return number;
}

Result<bool> YamlNode::as_bool() const {
  if (kind == Kind::kScalar && !quoted && scalar == "true") return true;
  if (kind == Kind::kScalar && !quoted && scalar == "false") return false;
  return error("must be true or false");
}

YamlReader::YamlReader(const YamlNode& node) : node_(node) {
  if (node.kind != YamlNode::Kind::kMap) status_ = node.error("must be a map of keys and values");
}

void YamlReader::fail(Status status) { status_.Update(status); }

const YamlNode* YamlReader::optional_node(std::string_view key) {
  known_.emplace_back(key);
  const YamlNode* node = node_.find(key);
  return node && node->kind != YamlNode::Kind::kNull ? node : nullptr;
}

template <class T>
T YamlReader::take(std::string_view key, T fallback, Result<T> (YamlNode::*read)() const) {
  const YamlNode* node = optional_node(key);
  if (!node) return fallback;
  Result<T> value = (node->*read)();
  if (value.ok()) return *std::move(value);
  const std::string_view message = message_of(value.status());  // "file:line:column: must be ..."
  fail(node->error(concat("\"", key, "\" ", message.substr(message.find(": ") + 2))));
  return fallback;
}

std::string YamlReader::required_string(std::string_view key) {
  if (!node_.find(key)) fail(node_.error(concat("key \"", key, "\" is missing")));
  return optional_string(key);
}

std::string YamlReader::optional_string(std::string_view key, std::string_view fallback) {
  return take<std::string>(key, std::string(fallback), &YamlNode::as_string);
}
std::int64_t YamlReader::optional_int(std::string_view key, std::int64_t fallback) {
  return take<std::int64_t>(key, fallback, &YamlNode::as_int);
}
double YamlReader::optional_double(std::string_view key, double fallback) {
  return take<double>(key, fallback, &YamlNode::as_double);
}
bool YamlReader::optional_bool(std::string_view key, bool fallback) { return take<bool>(key, fallback, &YamlNode::as_bool); }

Status YamlReader::finish() {
  if (!status_.ok()) return status_;
  for (const YamlNode& value : node_.fields)
    if (std::ranges::find(known_, value.key) == known_.end())
      return value.error(concat("unknown key \"", value.key, "\"; known here: ", join(known_, ", ")));
  return ok_status();
}

}  // namespace reliant

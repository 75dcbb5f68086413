#include "base/yaml.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "base/text.h"
#include "base/utf8.h"

namespace reliant {
namespace {

constexpr int kMaxDepth = 64;

// What a person expects to read after the parser's own words, which say what it did and not what the text lacks.
std::string_view expected_after(std::string_view message) {
  static constexpr std::pair<std::string_view, std::string_view> kExpected[] = {
      {"end of map flow not found", ": expected \",\" or \"}\", the end of a map that \"{\" began"},
      {"end of sequence flow not found", ": expected \",\" or \"]\", the end of a list that \"[\" began"},
      {"end of map not found", ": expected \"key: value\", indented as the keys before it"},
      {"end of sequence not found", ": expected \"- \", indented as the items before it"},
      {"illegal map value", ": expected one \": \" on a line; quote a value that has one"},
      {"illegal map key", ": expected \"key: value\"; quote a value that has \": \" in it"},
      {"illegal block entry", ": expected \"- \" at the beginning of a line"},
      {"illegal flow end", ": expected no \"}\" or \"]\" here, since none was begun"},
      {"illegal EOF in scalar", ": expected the closing quote"},
      {"illegal tab when looking for indentation", ": expected blanks; YAML has no tabs there"},
      {"unknown token", ": expected a value; quote one that begins with a special character"}};
  const auto* found = std::ranges::find(kExpected, message, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kExpected) ? std::string_view() : found->second;
}

template <class Number>
bool parse_number(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// Converts and checks what yaml-cpp lets pass: repeated keys and keys that are not scalars.
Result<YamlNode> convert(const YAML::Node& from, std::string_view file, int depth) {
  YamlNode node;
  node.file = std::string(file);
  node.line = std::max(from.Mark().line + 1, 1);  // an empty document has no place
  node.column = std::max(from.Mark().column + 1, 1);
  if (depth > kMaxDepth) return node.error("nested too deeply");
  switch (from.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      break;
    case YAML::NodeType::Scalar:
      node.kind = YamlNode::Kind::kScalar;
      node.scalar = from.Scalar();
      node.quoted = from.Tag() == "!";
      break;
    case YAML::NodeType::Sequence:
      node.kind = YamlNode::Kind::kList;
      for (const auto& item : from) {
        TRY_ASSIGN(auto child, convert(item, file, depth + 1));
        node.items.push_back(std::move(child));
      }
      break;
    case YAML::NodeType::Map:
      node.kind = YamlNode::Kind::kMap;
      for (const auto& pair : from) {
        TRY_ASSIGN(auto child, convert(pair.second, file, depth + 1));
        if (!pair.first.IsScalar()) return child.error("a key must be plain text");
        const std::string& key = pair.first.Scalar();
        child.line = pair.first.Mark().line + 1;
        child.column = pair.first.Mark().column + 1;
        if (node.find(key)) return child.error(concat("key \"", key, "\" is given twice"));
        child.key = key;
        node.fields.push_back(std::move(child));
      }
      break;
  }
  return node;
}

// The line of the first byte that is no part of a character; 0: there is none.
std::ptrdiff_t line_of_damage(std::string_view text) {
  std::ptrdiff_t line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) return line;
    if (text[at] == '\n') ++line;
    at += length;
  }
  return 0;
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

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file) {
  if (const std::ptrdiff_t line = line_of_damage(text); line != 0) {
    return invalid_argument(file, ":", line, ": holds bytes that are not UTF-8; save the file as UTF-8");
  }
  try {
    return convert(YAML::Load(std::string(text)), file, 0);
  } catch (const YAML::Exception& e) {
    return invalid_argument(file, ":", e.mark.line + 1, ":", e.mark.column + 1, ": ", e.msg, expected_after(e.msg));
  }
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

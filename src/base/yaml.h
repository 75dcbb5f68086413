// YAML for what people write (scenarios, model scripts). A parsed document is a plain tree whose nodes know their
// place, read strictly: unknown and repeated keys and wrong types are errors "file:line:column: ..." that name the key. A file is one
// document of plain keys without tags; its size, depth and number of values are bounded, with each alias replaced by what it stands for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace reliant {

class YamlNode {
 public:
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  int line = 0;                  // 1-based; of a value in a map: where its key is
  int column = 0;                // likewise
  std::string file;              // for messages
  std::string key;               // of a value in a map
  std::string scalar;            // kScalar: the text
  bool quoted = false;           // kScalar: "12" is a string, 12 a number
  std::vector<YamlNode> items;   // kList
  std::vector<YamlNode> fields;  // kMap: the values in file order

  // INVALID_ARGUMENT "file:line:column: message".
  Status error(std::string_view message) const;
  const YamlNode* find(std::string_view wanted) const;  // kMap only; nullptr when absent

  Result<std::string> as_string() const;
  Result<std::int64_t> as_int() const;
  Result<double> as_double() const;
  Result<bool> as_bool() const;
};

// `file` is only used in messages.
Result<YamlNode> parse_yaml(std::string_view text, std::string_view file);

// Reads one map strictly: take every known key, then `finish()` returns the first error met. With `status()` a
// caller can merge errors of nested readers.
class YamlReader {
 public:
  explicit YamlReader(const YamlNode& node);

  std::string required_string(std::string_view key);
  std::string optional_string(std::string_view key, std::string_view fallback = "");
  std::int64_t optional_int(std::string_view key, std::int64_t fallback);
  double optional_double(std::string_view key, double fallback);
  bool optional_bool(std::string_view key, bool fallback);
  // The node, or nullptr when absent or null; counts as known.
  const YamlNode* optional_node(std::string_view key);
  void fail(Status status);  // the first one wins

  Status finish();

 private:
  template <class T>
  T take(std::string_view key, T fallback, Result<T> (YamlNode::*read)() const);

  const YamlNode& node_;
  std::vector<std::string> known_;
  Status status_;
};

}  // namespace reliant

// yaml_peer: parse_yaml for a test in another language. A JSON list of texts comes in on stdin; a list of {"value": …} or {"error": "…"}
// goes out on stdout, in the same order.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "base/json.h"
#include "base/yaml.h"

namespace reliant {
namespace {

json::value to_json_value(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kList: {
      json::array items;
      for (const YamlNode& item : node.items) items.push_back(to_json_value(item));
      return items;
    }
    case YamlNode::Kind::kMap: {
      json::object fields;
      for (const YamlNode& field : node.fields) fields[field.key] = to_json_value(field);
      return fields;
    }
    case YamlNode::Kind::kScalar:
      break;
  }
  if (const auto truth = node.as_bool(); truth.ok()) return *truth;
  if (const auto number = node.as_int(); number.ok()) return *number;
  if (const auto number = node.as_double(); number.ok()) return *number;
  return json::string(node.scalar);
}

int answer_all() {
  const std::string input((std::istreambuf_iterator<char>(std::cin)), {});
  const auto texts = parse_json(input);
  if (!texts.ok() || !texts->is_array()) {
    std::fputs("yaml_peer: stdin is to hold a JSON list of strings\n", stderr);
    return 1;
  }
  json::array answers;
  for (const json::value& text : texts->get_array()) {
    const auto node = parse_yaml(std::string(text.as_string()), "f.yaml");
    json::object answer;
    if (node.ok()) {
      answer["value"] = to_json_value(*node);
    } else {
      answer["error"] = std::string(message_of(node.status()));
    }
    answers.push_back(std::move(answer));
  }
  std::puts(to_json(json::value(std::move(answers))).c_str());
  return 0;
}

}  // namespace
}  // namespace reliant

int main() { return reliant::answer_all(); }

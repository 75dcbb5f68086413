#include "workflow/format/yaml_json.h"

namespace reliant::workflow {

json::value json_from_yaml(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kList: {
      json::array array;
      for (const YamlNode& item : node.items) array.push_back(json_from_yaml(item));
      return array;
    }
    case YamlNode::Kind::kMap: {
      json::object object;
      for (const YamlNode& field : node.fields) object[field.key] = json_from_yaml(field);
      return object;
    }
    case YamlNode::Kind::kScalar:
      break;
  }
  if (const auto number = node.as_int(); number.ok()) return *number;
  if (const auto number = node.as_double(); number.ok()) return *number;
  if (const auto flag = node.as_bool(); flag.ok()) return *flag;
  return json::string(node.scalar);
}

}  // namespace reliant::workflow

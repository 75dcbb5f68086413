// The rule: the language of workflows has no protobuf. A test is excluded when its expression, its variables or its result hold a
// protobuf message or enum; and so are two extensions as a whole, `network` (addresses) and `block` (what an optimizer writes).
#include "exclusions.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "expr/parser.h"

namespace reliant::cel {
namespace {

constexpr std::array<std::string_view, 2> kFiles{"network_ext", "block_ext"};

// The messages and enums of the suite (proto/cel/expr/conformance), and functions on extensions of messages.
constexpr std::array<std::string_view, 7> kMessages{"TestAllTypes", "NestedMessage", "TestRequired",    "cel.expr.conformance",
                                                    "proto.hasExt", "proto.getExt",  "google.protobuf."};
constexpr std::array<std::string_view, 2> kEnums{"GlobalEnum", "NestedEnum"};

// The two messages that are values of CEL's own.
std::string without_own_types(std::string text) {
  for (const std::string_view own : {"google.protobuf.Timestamp", "google.protobuf.Duration"})
    for (std::size_t at = text.find(own); at != std::string::npos; at = text.find(own)) text.erase(at, own.size());
  return text;
}

// Whether a message is made in it: Name{field: value}.
bool makes_message(const expr::Node& node) {
  if (node.kind == expr::NodeKind::kStruct || (node.target && makes_message(*node.target))) return true;
  return std::any_of(node.arguments.begin(), node.arguments.end(),
                     [](const expr::NodePtr& argument) { return makes_message(*argument); });
}

}  // namespace

std::string exclusion(const TestFile& file, const Test& test) {
  for (const std::string_view name : kFiles)
    if (file.name == name) return std::string(name);
  const std::string expression = without_own_types(test.expression);
  for (const std::string_view name : kEnums)
    if (expression.find(name) != std::string::npos) return "enums";
  if (test.foreign == "an enum") return "enums";
  for (const std::string_view name : kMessages)
    if (expression.find(name) != std::string::npos) return "needs protobuf messages";
  const auto tree = expr::parse(test.expression);
  const bool made = tree.ok() && makes_message(**tree);
  return made || !test.foreign.empty() ? "needs protobuf messages" : "";
}

}  // namespace reliant::cel

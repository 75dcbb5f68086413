#include "workflow/format/output_types.h"

#include <map>
#include <vector>

#include "workflow/format/definition.h"

namespace reliant::workflow {
namespace {

using expr::Type;
using expr::TypeKind;
using Fields = std::vector<OutputField>;

const std::map<std::string_view, Fields>& all_fields() {
  static const Type text{TypeKind::kString, "", {}};
  static const Type number{TypeKind::kInt, "", {}};
  static const Type any{};
  static const Type list = expr::list_of(any);
  static const std::map<std::string_view, Fields> kFields = {
      {AgentNode::kType, {{"text", text}, {"steps", number}, {"stop_reason", text}}},
      {CallLlmNode::kType, {{"text", text}, {"tool_calls", list}, {"stop_reason", text}}},
      {ExecuteToolsNode::kType, {{"results", list}, {"failed", number}}},
      {RunNode::kType, {{"exit_code", number}, {"stdout", text}, {"stderr", text}}},
      {LoopNode::kType, {{"iterations", number}, {"results", list}, {"completed", number}, {"failed", number}}},
      {RouterNode::kType, {{"to", any}, {"label", any}}},
      {SaveMessageNode::kType, {{"message", text}}},
      {AskNode::kType, {{"answer", text}, {"approved", any}}},
  };
  return kFields;
}

}  // namespace

std::span<const OutputField> output_fields(std::string_view node_type) {
  const auto found = all_fields().find(node_type);
  if (found == all_fields().end()) return {};
  return found->second;
}

}  // namespace reliant::workflow

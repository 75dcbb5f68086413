#include "tools/tool.h"

namespace reliant::tools {

void ToolRegistry::add(std::unique_ptr<Tool> tool) {
  std::string name = tool->descriptor().name;
  tools_.insert_or_assign(std::move(name), std::move(tool));
}

Tool* ToolRegistry::find(std::string_view name) const {
  const auto found = tools_.find(name);
  return found == tools_.end() ? nullptr : found->second.get();
}

std::vector<const ToolDescriptor*> ToolRegistry::descriptors() const {
  std::vector<const ToolDescriptor*> all;
  for (const auto& [name, tool] : tools_) all.push_back(&tool->descriptor());
  return all;
}

}  // namespace reliant::tools

#include "cluster/failing_tools.h"

#include <memory>
#include <new>
#include <utility>

namespace reliant::sim {
namespace {

class FailingTool final : public tools::Tool {
 public:
  FailingTool(tools::Tool& tool, SimMachine& machine) : tool_(tool), machine_(machine) {}

  const tools::ToolDescriptor& descriptor() const override { return tool_.descriptor(); }

  Task<model::ToolResult> run(tools::ToolInvocation invocation, tools::ToolOutput& output) override {
    const ToolThrows throws = std::exchange(machine_.next_tool_throws, ToolThrows::kNever);
    if (throws == ToolThrows::kBefore) throw std::bad_alloc();
    model::ToolResult result = co_await tool_.run(std::move(invocation), output);
    if (throws == ToolThrows::kAfter) throw std::bad_alloc();
    co_return result;
  }

 private:
  tools::Tool& tool_;
  SimMachine& machine_;
};

}  // namespace

tools::ToolRegistry failing_tools(const tools::ToolRegistry& tools, SimMachine& machine) {
  tools::ToolRegistry failing;
  for (const tools::ToolDescriptor* descriptor : tools.descriptors())
    failing.add(std::make_unique<FailingTool>(*tools.find(descriptor->name), machine));
  return failing;
}

}  // namespace reliant::sim

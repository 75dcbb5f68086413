// `bash`: runs a shell command in the project's directory (R7). Output is streamed as it comes; the model
// receives its beginning and end. The command leads a process group of its own and gets RELIANT_REQUEST_ID in its
// environment; what it started is ended with it when it is cancelled or takes too long (TERM, then KILL), and
// has no terminal and no input.
#pragma once

#include "ports/process.h"
#include "tools/tool.h"

namespace reliant::tools {

class BashTool final : public Tool {
 public:
  static constexpr std::size_t kContentLimit = 30'000;  // bytes told to the model
  static constexpr Duration kTermGrace = std::chrono::seconds(2);

  explicit BashTool(ports::Processes& processes);
  const ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(ToolInvocation invocation, ToolOutput& output) override;

 private:
  ports::Processes& processes_;
  ToolDescriptor descriptor_;
};

}  // namespace reliant::tools

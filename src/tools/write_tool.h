// `write`: a whole file. Idempotent: writing the same content again changes nothing.
#pragma once

#include "ports/filesystem.h"
#include "tools/tool.h"
#include "tools/tool_support.h"

namespace reliant::tools {

class WriteTool final : public Tool {
 public:
  WriteTool(ports::Filesystem& filesystem, std::shared_ptr<FileLocks> locks);
  const ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(ToolInvocation invocation, ToolOutput& output) override;

 private:
  ports::Filesystem& filesystem_;
  std::shared_ptr<FileLocks> locks_;  // shared with the other tools that change files
  ToolDescriptor descriptor_;
};

}  // namespace reliant::tools

// `edit`: replaces a piece of text in a file, exactly. Not idempotent: when the new text contains the old
// one, a second run would change the file again, and where it does not, the second run would report a failure
// for an edit that was made.
#pragma once

#include "ports/filesystem.h"
#include "tools/tool.h"
#include "tools/tool_support.h"

namespace reliant::tools {

class EditTool final : public Tool {
 public:
  static constexpr std::size_t kFileLimit = 16 << 20;

  EditTool(ports::Filesystem& filesystem, std::shared_ptr<FileLocks> locks);
  const ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(ToolInvocation invocation, ToolOutput& output) override;

 private:
  ports::Filesystem& filesystem_;
  std::shared_ptr<FileLocks> locks_;
  ToolDescriptor descriptor_;
};

}  // namespace reliant::tools

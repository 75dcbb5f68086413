// `view`: a part of a text file, with line numbers. Reads only.
#pragma once

#include "ports/filesystem.h"
#include "tools/tool.h"

namespace reliant::tools {

class ViewTool final : public Tool {
 public:
  static constexpr std::int64_t kDefaultLines = 1'500;
  static constexpr std::size_t kLineLimit = 500;        // bytes shown of one line
  static constexpr std::size_t kContentLimit = 64'000;  // bytes in all
  static constexpr std::size_t kFileLimit = 16 << 20;

  explicit ViewTool(ports::Filesystem& filesystem);
  const ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(ToolInvocation invocation, ToolOutput& output) override;

 private:
  ports::Filesystem& filesystem_;
  ToolDescriptor descriptor_;
};

}  // namespace reliant::tools

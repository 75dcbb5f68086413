// `glob`: the files whose path matches a pattern, by name. Reads only.
#pragma once

#include "ports/filesystem.h"
#include "tools/tool.h"

namespace reliant::tools {

class GlobTool final : public Tool {
 public:
  static constexpr std::int64_t kDefaultLimit = 1'000;
  static constexpr std::size_t kWalkLimit = 200'000;  // files looked at
  static constexpr std::size_t kContentLimit = 64'000;

  explicit GlobTool(ports::Filesystem& filesystem);
  const ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(ToolInvocation invocation, ToolOutput& output) override;

 private:
  ports::Filesystem& filesystem_;
  ToolDescriptor descriptor_;
};

}  // namespace reliant::tools

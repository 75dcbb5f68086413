// `grep`: lines that match a regular expression. RE2: the time is linear whatever the model asks for, and
// there is no stack to blow. Reads only.
#pragma once

#include "ports/filesystem.h"
#include "tools/tool.h"

namespace reliant::tools {

class GrepTool final : public Tool {
 public:
  static constexpr std::int64_t kDefaultLimit = 200;  // lines
  static constexpr std::size_t kLineLimit = 500;      // bytes of one line
  static constexpr std::size_t kContentLimit = 64'000;
  static constexpr std::size_t kFileLimit = 8 << 20;
  static constexpr std::size_t kWalkLimit = 200'000;

  explicit GrepTool(ports::Filesystem& filesystem);
  const ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(ToolInvocation invocation, ToolOutput& output) override;

 private:
  struct Query;
  struct Search;
  static Result<Query> read_query(const ToolInvocation& invocation);
  Task<Status> search_file(const Query& query, std::string path, std::string shown, Search& search);

  ports::Filesystem& filesystem_;
  ToolDescriptor descriptor_;
};

}  // namespace reliant::tools

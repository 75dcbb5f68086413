#include "tools/standard_tools.h"

#include "tools/bash_tool.h"
#include "tools/edit_tool.h"
#include "tools/glob_tool.h"
#include "tools/grep_tool.h"
#include "tools/view_tool.h"
#include "tools/write_tool.h"

namespace reliant::tools {

ToolRegistry make_standard_tools(ports::Processes& processes, ports::Filesystem& filesystem) {
  ToolRegistry registry;
  const auto locks = std::make_shared<FileLocks>();
  registry.add(std::make_unique<BashTool>(processes));
  registry.add(std::make_unique<ViewTool>(filesystem));
  registry.add(std::make_unique<WriteTool>(filesystem, locks));
  registry.add(std::make_unique<EditTool>(filesystem, locks));
  registry.add(std::make_unique<GrepTool>(filesystem));
  registry.add(std::make_unique<GlobTool>(filesystem));
  return registry;
}

}  // namespace reliant::tools

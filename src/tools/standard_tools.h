// The tools that every daemon has (R7): bash, view, write, edit, grep, glob.
#pragma once

#include "ports/filesystem.h"
#include "ports/process.h"
#include "tools/tool.h"

namespace reliant::tools {

// The ports outlive the registry. Time is that of the executor on which a tool runs.
ToolRegistry make_standard_tools(ports::Processes& processes, ports::Filesystem& filesystem);

}  // namespace reliant::tools

// FailingTools: the tools of a simulated daemon, which run out of memory where a fault says so (throw_in_tool). What a tool
// allocates depends on what a model asks it for, so it is the first to meet std::bad_alloc; the daemon and its other tools
// must go on.
//
// Owner: one life of a node; `tools` and `machine` outlive it.
#pragma once

#include "tools/tool.h"
#include "world/sim_process.h"

namespace reliant::sim {

// The same tools; each run takes what `machine.next_tool_throws` says, and throws before or after the tool's own run.
tools::ToolRegistry failing_tools(const tools::ToolRegistry& tools, SimMachine& machine);

}  // namespace reliant::sim

// FailingTools: the tools of a simulated daemon, which run out of memory when a fault orders it (throw_in_tool). A tool's
// allocations depend on the model's arguments, so a tool is the first to meet std::bad_alloc; the daemon and its other tools
// must go on.
//
// Owner: one incarnation of a node; `tools` and `machine` outlive it.
#pragma once

#include "tools/tool.h"
#include "world/sim_process.h"

namespace reliant::sim {

// The same tools; each run consumes `machine.next_tool_throws`, and throws before or after the tool's own run.
tools::ToolRegistry failing_tools(const tools::ToolRegistry& tools, SimMachine& machine);

}  // namespace reliant::sim

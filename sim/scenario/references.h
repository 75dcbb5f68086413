// References: checks the names in a scenario that are not its own keys: records of the trace, and nodes of its topology.
#pragma once

#include <string>
#include <string_view>

#include "cluster/topology.h"
#include "faults/fault_plan.h"

namespace reliant::sim {

// The error of a trace event, "name" or "name field=value"; "" = none.
std::string complaint_about_event(std::string_view event);

// The error of a place that is neither a node nor a role in every run of this topology; "" = none. "there" always passes.
std::string complaint_about_place(std::string_view place, Places places, const Topology& topology);

}  // namespace reliant::sim

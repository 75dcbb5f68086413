// References: what a scenario's words refer to, besides its own keys: records of the trace, and nodes of its topology.
#pragma once

#include <string>
#include <string_view>

#include "cluster/topology.h"
#include "faults/fault_plan.h"

namespace reliant::sim {

// What is wrong with a trace event, "name" or "name field=value"; "" = nothing.
std::string complaint_about_event(std::string_view event);

// What is wrong with a place: no node and no role of every run of this topology. "there" is always right here. "" = nothing.
std::string complaint_about_place(std::string_view place, Places places, const Topology& topology);

}  // namespace reliant::sim

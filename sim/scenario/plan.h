// A scenario's plan for one seed, for real processes (tools/real_world): the values that `draw_options` has drawn, as JSON.
#pragma once

#include "base/json.h"
#include "scenario/scenario.h"

namespace reliant::sim {

// After draw_options. Sections and fields are named as in the file; times are nanoseconds, chances millionths, a time that is
// drawn at each use is [lowest, highest]. A fault is {"fault": its name, "off"?: true, and its fields}.
json::object plan_of(Scenario& scenario);

}  // namespace reliant::sim

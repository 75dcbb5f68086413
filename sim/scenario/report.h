// The report of a run: a line for people, and an object for programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenario/runner.h"

namespace reliant::sim {

// `{"scenario","seed","outcome","hash","events","sim_seconds","wall_seconds","violations":[…],"counters":{…}}`, one line.
std::string json_line(const RunReport& report, double wall_seconds);
// "held smoke/gateway_crash seed 7 hash 27c15ff45f82c064 92.1 s in 0.21 s".
std::string human_line(const RunReport& report, double wall_seconds);
// The seed's draws, each violation on a line with its consequences, and the command of `program` that shows it again.
std::string failure_text(const RunReport& report, std::string_view program);
// The violated properties, without those that are consequences of another.
std::vector<std::string> broken_properties(const RunReport& report);
// "smoke/gateway_crash": the file, by its folder.
std::string title_of(std::string_view file, std::string_view name);

}  // namespace reliant::sim

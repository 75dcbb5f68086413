// What is told of a run: a line for people, and an object for programs.
#pragma once

#include <string>
#include <string_view>

#include "scenario/runner.h"

namespace reliant::sim {

// `{"scenario","seed","outcome","hash","events","sim_seconds","wall_seconds","violations":[…],"counters":{…}}`, one line.
std::string json_line(const RunReport& report, double wall_seconds);
// "held  gateway_crash  seed=7 hash=… events=… 92.1s in 0.21s (438 times)".
std::string human_line(const RunReport& report, double wall_seconds);
// "scenario=… seed=7 topology.api=3 …".
std::string options_line(const RunReport& report);
// Each violation on a line, and how to see it again.
std::string failure_text(const RunReport& report);
std::string repeat_command(std::string_view file, std::uint64_t seed);

}  // namespace reliant::sim

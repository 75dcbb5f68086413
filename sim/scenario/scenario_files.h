// Scenario files as a command line names them: by path, by folder, or by the name that `reliant-sim list` shows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "scenario/scenario.h"

namespace reliant::sim {

std::optional<std::string> content_of(const std::string& file);

// The scenario of a file; its name must be the file's name. INVALID_ARGUMENT "file:line:column: the error".
Result<Scenario> load_scenario(const std::string& file);

// A file; all files below a folder; or the file below scenarios/ with this name. NOT_FOUND: none of these.
Result<std::vector<std::string>> files_named(const std::string& word);

// Like load_scenario, and everything else that a run would refuse, for example an invalid model script.
Status check_scenario(const std::string& file);

// Writes a scenario to start from, with comments, to NAME.yaml. ALREADY_EXISTS: there is such a file.
Result<std::string> write_new_scenario(const std::string& name);

}  // namespace reliant::sim

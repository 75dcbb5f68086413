// What tools get to see of the process that runs them, since a model decides what they do. Which variables of the environment
// their processes are given: an allow-list, tool_variables() always, more by --tool-env; this program's own secrets only when
// they are named one by one. And which files the file tools do not open; bash, a process of the same user, can.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/environment.h"
#include "base/command_line.h"
#include "base/status.h"

namespace reliant::app {

inline constexpr Flag kToolEnvFlag = {
    "--tool-env",
    "NAME",
    "TOOL_ENV",
    "",
    "a variable of this environment that tools get, besides PATH, HOME, USER, SHELL, LANG, LC_*, TERM, TMPDIR, TZ, XDG_*, "
    "proxies "
    "and toolchains (compose/README.md has the list); NAME or PREFIX_*, several with commas; repeatable",
    {},
    true};

// Names, and prefixes that end in "*".
std::span<const std::string_view> tool_variables();

// Of --tool-env: names and prefixes. INVALID_ARGUMENT: something that is neither.
Result<std::vector<std::string>> tool_env_of(const Arguments& arguments);

// "NAME=value" of all that tools are given, sorted by name. `more` as tool_env_of returns it.
std::vector<std::string> environment_of_tools(const Environment& environment, const std::vector<std::string>& more);

// What file tools do not open: the data directory, `more`, and what /proc shows of this process.
std::vector<std::string> own_paths(std::vector<std::string> more, const std::string& data_dir);

}  // namespace reliant::app

// Which variables of the environment the processes of tools are given: an allow-list, since a model decides what a tool does
// with them. kToolVariables always; more by --tool-env. This program's own secrets only when they are named one by one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/command_line.h"
#include "app/environment.h"
#include "base/status.h"

namespace reliant::app {

inline constexpr Flag kToolEnvFlag = {
    "--tool-env",
    "NAME",
    "TOOL_ENV",
    "",
    "a variable of this environment that tools get, besides PATH, HOME, USER, SHELL, LANG, LC_*, TERM, TMPDIR, TZ, XDG_*, proxies "
    "and toolchains (the README has the list); NAME or PREFIX_*, several with commas; repeatable",
    {},
    true};

// Names, and prefixes that end in "*".
std::span<const std::string_view> tool_variables();

// Of --tool-env: names and prefixes. INVALID_ARGUMENT: something that is neither.
Result<std::vector<std::string>> tool_env_of(const Arguments& arguments);

// "NAME=value" of all that tools are given, sorted by name. `more` as tool_env_of returns it.
std::vector<std::string> environment_of_tools(const Environment& environment, const std::vector<std::string>& more);

}  // namespace reliant::app

// The commands that talk to a server that runs somewhere: `reliant chat …`.
#pragma once

#include <span>
#include <string>

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

extern const std::span<const Command> kChatCommands;

// Returns the exit code: 0 done, 1 it failed (one line says why), 2 a wrong command line.
int client_main(const Command& command, const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app

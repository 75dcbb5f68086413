// `reliant daemon start`: the tools daemon of a user's machine (R7, R65 to R78), as sim/cluster/daemon_node.cpp puts it
// together.
#pragma once

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

// Returns the exit code: 0 stopped in order, 1 it could not start or stop (one line says why), 2 a wrong command line, 3 there
// are no credentials that the server takes (C11).
int daemon_main(const Command& command, const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app

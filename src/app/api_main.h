// `reliant server api`: what clients talk to (R26 to R34), as sim/cluster/api_node.cpp puts it together.
#pragma once

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

// Returns the exit code: 0 stopped in order, 1 it could not start or stop (one line says why), 2 a wrong command line.
int api_main(const Command& command, const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app

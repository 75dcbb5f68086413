// `reliant server gateway`: holds the streams of tools daemons (R44 to R49, R52), as sim/cluster/gateway_node.cpp puts it together.
#pragma once

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

// Returns the exit code: 0 stopped in order, 1 it could not start or stop (one line says why), 2 a wrong command line.
int gateway_main(const Command& command, const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app

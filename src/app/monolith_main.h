// `reliant monolith`: everything in one process (R10 to R14).
#pragma once

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

// Returns the exit code: 0 stopped in order, 1 it could not start or stop (one line says why), 2 a wrong
// command line.
int monolith_main(const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app

// `reliant temporal serve`: the embedded workflow engine as a server of its own, for clients and workers over gRPC, on one
// machine (R5, R11, C37). Tests and small installations use it where others run a Temporal cluster.
#pragma once

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

extern const Command kTemporalServeCommand;

int temporal_main(const Command& command, const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app

// One function for each command of `reliant`; src/app/main.cpp lists them. Each one returns the exit code: 0
// done, or stopped in order; 1 it failed, could not start or could not stop (one line says why); 2 a wrong
// command line.
#pragma once

#include <span>

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

// `reliant monolith`: everything in one process (R10 to R14).
int monolith_main(const Command& command, const Arguments& arguments, const Environment& environment);

// `reliant server api`: what clients talk to (R26 to R34), as sim/cluster/api_node.cpp puts it together.
int api_main(const Command& command, const Arguments& arguments, const Environment& environment);
// `reliant server worker`: runs the workflows of chats (R36 to R42), as sim/cluster/worker_node.cpp puts it
// together.
int worker_main(const Command& command, const Arguments& arguments, const Environment& environment);
// `reliant server gateway`: holds the streams of tools daemons (R44 to R49, R52), as
// sim/cluster/gateway_node.cpp puts it together.
int gateway_main(const Command& command, const Arguments& arguments, const Environment& environment);

// `reliant daemon start`: the tools daemon of a user's machine (R7, R65 to R78), as
// sim/cluster/daemon_node.cpp puts it together. Also 3: there are no credentials that the server takes (C11).
int daemon_main(const Command& command, const Arguments& arguments, const Environment& environment);

// `reliant temporal serve`: the embedded workflow engine as a server of its own, for clients and workers over
// gRPC, on one machine (R5, R11, C37). Tests and small installations use it where others run a Temporal
// cluster.
extern const Command kTemporalServeCommand;
int temporal_main(const Command& command, const Arguments& arguments, const Environment& environment);

// `reliant chat …` and `reliant daemon explain`: talks to a server that runs somewhere.
extern const std::span<const Command> kChatCommands;
extern const Command kDaemonExplainCommand;
int client_main(const Command& command, const Arguments& arguments, const Environment& environment);

// `reliant workflow …`: files of workflows, without a server.
extern const std::span<const Command> kWorkflowCommands;
int workflow_main(const Command& command, const Arguments& arguments, const Environment& environment);

// `reliant admin …`: users and their tokens, directly in the database, until there is a sign-in.
extern const std::span<const Command> kAdminCommands;
int admin_main(const Command& command, const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app

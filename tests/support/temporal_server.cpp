#include "support/temporal_server.h"

#include "base/text.h"

namespace reliant::tests {

void TemporalServer::start() {
  const bool any_port = port_ == 0;
  do {  // somebody else may have taken the port in between
    if (any_port) port_ = free_port();
    // The shell finds the program and becomes it.
    process_.start({"setpriv", "--pdeathsig", "KILL", "sh", "-c",
                    "program=$(\"$0\" --if-built) && exec \"$program\" \"$@\"", RELIANT_TEMPORAL_SCRIPT, "server", "start-dev",
                    "--headless", "--ip", "127.0.0.1", "--port", concat(port_), "--log-level", "error", "--db-filename",
                    directory_.file("temporal.db"), "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
                    // It deletes a workflow when its queues have noted that it is closed: not every 30 s only.
                    "--dynamic-config-value", "history.transferProcessorUpdateAckInterval=\"100ms\"",
                    "--dynamic-config-value", "history.visibilityProcessorUpdateAckInterval=\"100ms\"",
                    // Of a queue with several partitions it tells who polls one of them.
                    "--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
                    "--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"},
                   log());
    wait_for("the Temporal server (tools/temporal builds it)",
             [this] { return process_.exited() || accepts_connections(port_); });
  } while (process_.exited() && any_port);
}

}  // namespace reliant::tests

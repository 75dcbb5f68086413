#include "support/temporal_server.h"

#include <fstream>
#include <iterator>

#include "base/assert.h"
#include "base/text.h"

namespace reliant::tests {

void TemporalServer::start() {
  const bool any_port = port_ == 0;
  // Another process may have taken the port in between, or a port that the server chooses for its own services.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (any_port) port_ = free_port();
    log_ = directory_.file(concat("log-", ++starts_));
    // The shell finds the program and becomes it.
    process_.start({"setpriv", "--pdeathsig", "KILL", "sh", "-c", "program=$(\"$0\" --if-built) && exec \"$program\" \"$@\"",
                    RELIANT_TEMPORAL_SCRIPT, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", concat(port_),
                    "--log-level", "error", "--db-filename", directory_.file("temporal.db"), "--sqlite-pragma",
                    "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
                    // It deletes a workflow when its queues have noted that it is closed: not every 30 s only.
                    "--dynamic-config-value", "history.transferProcessorUpdateAckInterval=\"100ms\"", "--dynamic-config-value",
                    "history.visibilityProcessorUpdateAckInterval=\"100ms\"",
                    // Of a queue with several partitions it tells who polls one of them.
                    "--dynamic-config-value", "matching.numTaskqueueReadPartitions=1", "--dynamic-config-value",
                    "matching.numTaskqueueWritePartitions=1"},
                   log_);
    wait_for("the Temporal server (tools/temporal builds it)", [this] { return process_.exited() || is_ready(); });
    if (process_.running()) return;
  }
  RELIANT_ASSERT(false, concat("the Temporal server ends while it starts; ", log_, " says why").c_str());
}

// It accepts connections before its other services have their ports. When all of them run, it prints its addresses.
bool TemporalServer::is_ready() const {
  std::ifstream log(log_);
  const std::string printed(std::istreambuf_iterator<char>(log), {});
  return printed.find("\nServer: ") != std::string::npos;
}

}  // namespace reliant::tests

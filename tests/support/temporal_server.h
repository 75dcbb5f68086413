// TemporalServer: a real Temporal server (`temporal server start-dev`, see tools/temporal) on a free port of this machine,
// its data in a file. Ready means that all of its services run; its namespace `default` may come a moment later.
#pragma once

#include <string>
#include <vector>

#include "support/server_process.h"

namespace reliant::tests {

class TemporalServer {
 public:
  TemporalServer() { start(); }

  int port() const { return port_; }
  void start();  // again on the same port, with the same data
  // What it has acknowledged is there after a kill, and an orderly stop takes it four seconds.
  void kill() { process_.kill(); }
  void freeze() { process_.freeze(); }
  void thaw() { process_.thaw(); }
  pid_t pid() const { return process_.pid(); }

 private:
  static constexpr int kAttempts = 5;

  bool is_ready() const;

  TemporaryDirectory directory_;
  std::string log_;  // of the last start
  int starts_ = 0;
  int port_ = 0;
  ServerProcess process_;
};

}  // namespace reliant::tests

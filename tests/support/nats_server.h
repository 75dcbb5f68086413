// NatsServer: a nats-server on a free port of this machine.
#pragma once

#include <signal.h>

#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "support/server_process.h"

namespace reliant::tests {

class NatsServer {
 public:
  // `configuration`: lines of its configuration file.
  explicit NatsServer(std::string configuration = "") : configuration_(std::move(configuration)) { start(); }

  std::string url(std::string_view credentials = "") const { return concat("nats://", credentials, "127.0.0.1:", port_); }
  int port() const { return port_; }
  // Again on the same port.
  void start();
  void stop() { process_.stop(SIGTERM); }
  void kill() { process_.kill(); }
  void freeze() { process_.freeze(); }
  void thaw() { process_.thaw(); }
  const TemporaryDirectory& directory() const { return directory_; }

 private:
  std::string configuration_;
  TemporaryDirectory directory_;
  int port_ = 0;
  ServerProcess process_;
};

}  // namespace reliant::tests

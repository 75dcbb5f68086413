#include "support/nats_server.h"

#include <fstream>

namespace reliant::tests {

void NatsServer::start() {
  const std::string file = directory_.file("nats.conf");
  const bool any_port = port_ == 0;
  do {  // another process may have taken the port in between
    if (any_port) port_ = free_port();
    std::ofstream(file) << "listen: \"127.0.0.1:" << port_ << "\"\n" << configuration_;
    process_.start({"setpriv", "--pdeathsig", "KILL", "nats-server", "-c", file}, directory_.file("log"));
    wait_for("nats-server", [this] { return process_.exited() || accepts_connections(port_); });
  } while (process_.exited());
}

}  // namespace reliant::tests

// DebugServer: what an operator looks at on the machine itself: /debug/db, the database's connections and its write queue
// (R33, C36). It listens on 127.0.0.1 only. Where the server has a certificate, the port speaks TLS and plain text, like the
// health port.
//
// Owner: the server's life, after the database. Executor: the logic thread. Failures: the port is in use.
#pragma once

#include <memory>
#include <string>

#include "app/database_choice.h"
#include "base/status.h"
#include "ports/http_server.h"
#include "runtime/task.h"

namespace reliant::app {

class DebugServer final : private ports::HttpHandler {
 public:
  DebugServer(ports::HttpServer& http_server, const ChosenDatabase& database)
      : http_server_(http_server), database_(database) {}

  Status start(std::string address);
  const std::string& address() const { return listener_->address(); }

 private:
  Task<void> handle(ports::HttpServerRequest request, ports::HttpResponder& responder) override;

  ports::HttpServer& http_server_;
  const ChosenDatabase& database_;
  std::unique_ptr<ports::HttpListener> listener_;  // last: its handlers use everything above
};

}  // namespace reliant::app

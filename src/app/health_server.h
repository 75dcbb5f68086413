// HealthServer: /health and /ready of a server, on a port of their own (R32, R54, C35). Alive is who answers. Ready is who
// has all that it needs: each check is asked at every call, and what fails is named, so that a dependency that goes away is
// seen, and one that comes back is, too. The answer is for anybody: why a check fails, in the words of a library, is in the log. Where the server has a certificate, the port speaks TLS and plain text, as the
// caller begins.
//
// Owner: the server's life, after what its checks look at. Executor: the logic thread. Failures: the port is in use.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/event_log.h"
#include "base/status.h"
#include "ports/http_server.h"
#include "runtime/clock.h"
#include "runtime/task.h"

namespace reliant::app {

struct HealthCheck {
  std::string name;  // "database"
  std::function<Task<Status>(Instant deadline)> ask;
};

class HealthServer final : private ports::HttpHandler {
 public:
  // `stopping`: asked first; a server that stops is not ready, whatever else holds.
  HealthServer(Clock& clock, EventLog& log, ports::HttpServer& http_server, std::function<bool()> stopping)
      : clock_(clock), log_(log), http_server_(http_server), stopping_(std::move(stopping)) {}

  void add(std::string name, std::function<Task<Status>(Instant)> ask) { checks_.push_back({std::move(name), std::move(ask)}); }
  Status start(std::string address);
  const std::string& address() const { return listener_->address(); }

 private:
  Task<void> handle(ports::HttpServerRequest request, ports::HttpResponder& responder) override;
  Task<ports::HttpServerResponse> ready();
  Task<Status> asked(const HealthCheck& check, Instant deadline);

  Clock& clock_;
  EventLog& log_;
  ports::HttpServer& http_server_;
  std::function<bool()> stopping_;
  std::vector<HealthCheck> checks_;
  std::unique_ptr<ports::HttpListener> listener_;  // last: its handlers use everything above
};

}  // namespace reliant::app

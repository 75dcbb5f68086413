// SimHttpClient: the Http client of a simulated node. "http://api-1:8080/x" goes to the node of that name, through the
// simulated network, to whatever listens there through a SimHttpServer; https is taken for http (TLS is not simulated).
//
// Fault atlas: see sim_http_server.h. The caller receives UNAVAILABLE, before the head or inside of the body, or a late
// answer.
//
// Owner: the node's program. Executor: the node's. The destruction of a response closes its connection, and so does
// a crash.
#pragma once

#include <memory>

#include "ports/http_client.h"
#include "world/sim_http_server.h"

namespace reliant::sim {

class SimHttpClient final : public ports::HttpClient {
 public:
  SimHttpClient(SimWeb& web, Node& node) : web_(web), node_(node) {}
  Task<Result<std::unique_ptr<ports::HttpResponse>>> send(ports::HttpRequest request, Instant deadline) override;

 private:
  SimWeb& web_;
  Node& node_;
};

}  // namespace reliant::sim

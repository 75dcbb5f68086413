// SimHttpServer: the HttpServer of a simulated node, and SimWeb, the table of listeners by address. A node listens under
// its name: "api-1:8080" (an address without a host, 0.0.0.0 and localhost mean that too). Every HTTP server is
// simulated with it: the API's replicas, and third-party services such as a model provider, which are a handler on a
// node of their own.
//
// Fault atlas, and why the system must survive each (they come from the Network, whose own atlas has the causes):
//   refused                      a replica is being deployed: the client goes to another one, or tries again
//   lost before the head         the request may have been executed: only an id of the client's makes a retry safe
//   lost inside of a stream      the client resumes from the last sequence number that it saw
//   client gone, known late      a stream is written into the void until the keepalive ends it
//   slow client                  the stream's window fills, the writer waits or gives the client up
//   crash after the effect       the work was done and the client does not know
//
// Owner: SimWeb by the cluster, made after the Network and destroyed before it, which shuts the simulation down; a
// SimHttpServer by its node's program. Executor: the node's. A node that crashes takes its listeners and handlers with
// it. One request a connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "ports/http_server.h"
#include "world/network.h"

namespace reliant::sim {

class SimListener;

class SimWeb final {
 public:
  explicit SimWeb(Network& network) : network_(network) {}
  SimWeb(const SimWeb&) = delete;
  SimWeb& operator=(const SimWeb&) = delete;
  ~SimWeb() { network_.simulation().shutdown(); }  // listeners of frames refer to it

  Network& network() { return network_; }
  // The node that `from` means by a host name; null: there is none.
  Node* find_host(Node& from, std::string_view host);
  // Null: no process listens there, or the listener's process has crashed.
  SimListener* find(const Node& node, std::uint16_t port);

 private:
  friend class SimListener;
  friend class SimHttpServer;

  Network& network_;
  std::map<std::pair<std::uint32_t, std::uint16_t>, SimListener*> listeners_;
  std::uint16_t last_free_port_ = 40'000;
};

class SimHttpServer final : public ports::HttpServer {
 public:
  SimHttpServer(SimWeb& web, Node& node) : web_(web), node_(node) {}
  Result<std::unique_ptr<ports::HttpListener>> listen(std::string address, ports::HttpHandler& handler,
                                                      ports::HttpServerLimits limits) override;

 private:
  SimWeb& web_;
  Node& node_;
};

}  // namespace reliant::sim

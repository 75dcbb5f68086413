// SimLink: links between simulated nodes. Each link is a connection of its own (sim/world/network.h), so everything that can
// happen to connections happens to links.
//
// Fault atlas, on top of the network's:
//   partition              messages are held, each side believes that the link is open until its own keepalive times out
//   pause                  a frozen process answers no ping, though its system acknowledges what comes: the peer's keepalive
//                          ends the stream, and no sooner
//   reset, crash           UNAVAILABLE; the last messages may have arrived, or not: both must be survived
//   crash while connecting the acceptor has a link whose opener is gone
//   restart                an old link never reaches the new process; a late message is answered with a reset
//   full window            send waits; credit comes back a trip later
//   cancel meets finish    each side keeps the end that it saw first
//
// SimLinks is the address table of the world, SimLinkTransport the port of one incarnation of a node. Owner: the cluster
// and the node's program. A transport, listener or link of a crashed incarnation is inert: it answers UNAVAILABLE.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "base/status.h"
#include "kernel/node.h"
#include "ports/link.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "world/network.h"

namespace reliant::sim {

struct SimLinkOptions {
  std::size_t window = 64 * 1024;             // bytes in each direction that the receiving role has not taken
  std::size_t max_message = 4 * 1024 * 1024;  // gRPC's default
  std::size_t backlog = 128;                  // links that wait for accept()
};

// Of one side of its links, as in GrpcLinkOptions: after `keepalive_time` without anything from the peer a ping is sent,
// and without an answer within `keepalive_timeout` the stream ends.
struct SimLinkKeepalive {
  Duration keepalive_time = std::chrono::seconds(20);
  Duration keepalive_timeout = std::chrono::seconds(10);
};

class SimLinks {
 public:
  explicit SimLinks(Network& network, SimLinkOptions options = {});
  SimLinks(const SimLinks&) = delete;
  SimLinks& operator=(const SimLinks&) = delete;
  ~SimLinks();

  Network& network() { return network_; }
  const SimLinkOptions& options() const { return options_; }

 private:
  friend class SimLinkTransport;
  friend class SimLinkListener;
  struct Door;

  Network& network_;
  SimLinkOptions options_;
  std::map<std::string, std::shared_ptr<Door>> doors_;  // also those whose node has crashed, until it listens again
  std::uint64_t last_port_ = 0;
};

class SimLinkTransport final : public ports::LinkTransport {
 public:
  SimLinkTransport(SimLinks& links, Node& node, SimLinkKeepalive keepalive = {})
      : links_(links), node_(node), keepalive_(keepalive), life_(node.incarnation()) {}

  // Any text that ends in ":port"; port 0 becomes a free one.
  Result<std::unique_ptr<ports::LinkListener>> listen(std::string address) override;
  Task<Result<std::unique_ptr<ports::Link>>> connect(ports::LinkTarget target, Instant deadline) override;

 private:
  SimLinks& links_;
  Node& node_;
  SimLinkKeepalive keepalive_;
  Incarnation life_;
};

}  // namespace reliant::sim

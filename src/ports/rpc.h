// Rpc: inbound calls over HTTP/1.1: one request, answered at once or with a stream of chunks (server-sent events).
//
// Owner: RpcServer by the composition root, the listener by the role. Executor: handlers run on the logic thread, one task
// a request in a scope of the listener. A unary handler runs to its end even when its client has gone; a handler that
// streams is destroyed when its client goes (its next write would fail anyway).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

using RpcHeaders = std::map<std::string, std::string>;  // lower-case names

struct RpcRequest {
  std::string method;  // "GET"
  std::string path;    // "/api/v2/chats", percent-decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  RpcHeaders headers;
  std::string body;
  std::string peer;  // "host:port", for logs and for limits
  std::shared_ptr<void> admission;  // what the handler's admit() has found out; destroyed with the request
};

struct RpcResponse {
  int status = 200;
  RpcHeaders headers;
  std::string body;
};

// What a server answers by itself to a request that no handler answers: {"code":...,"message":...}, as JSON.
RpcResponse rpc_refusal(int status, std::string_view message);

// Exactly one of reply() or start_stream() … finish(). A handler that ends without either is answered 500.
class RpcResponder {
 public:
  virtual ~RpcResponder() = default;
  virtual Task<Status> reply(RpcResponse response) = 0;
  // `head.body` is ignored. After it the client sees what write() sends at once, in chunks.
  virtual Task<Status> start_stream(RpcResponse head) = 0;
  // Suspends while the client is slow (backpressure). UNAVAILABLE: the client has gone. DEADLINE_EXCEEDED: it did not
  // read in time; the stream is then closed.
  virtual Task<Status> write(std::string chunk, Instant deadline) = 0;
  virtual Task<Status> finish() = 0;
};

class RpcHandler {
 public:
  virtual ~RpcHandler() = default;
  // Called with the head before the body is read, so that a stranger's body is never held. An answer refuses the request: its
  // body is not read, and a connection that has one ends. nullopt: the body is read and handle() follows.
  virtual Task<std::optional<RpcResponse>> admit(RpcRequest& head) {
    (void)head;
    co_return std::nullopt;
  }
  virtual Task<void> handle(RpcRequest request, RpcResponder& responder) = 0;
};

struct RpcLimits {
  std::size_t max_body = 2 * 1024 * 1024;  // bytes; above it 413
  std::size_t max_header = 32 * 1024;      // bytes; above it 431
  Duration idle_timeout = std::chrono::seconds(60);
  // Connections beyond these are closed at once. 0: any number.
  std::size_t max_connections = 8192;
  std::size_t max_connections_per_address = 1024;  // a proxy has one address
  std::size_t max_handshakes = 256;                // of TLS, at a time
  std::size_t min_rate = 16 * 1024;  // bytes a second at which an answer is read, beyond idle_timeout; slower ones end
};

class RpcListener {
 public:
  virtual ~RpcListener() = default;  // closes at once, destroying running handlers
  virtual const std::string& address() const = 0;  // "host:port" where it really listens
  // Stops accepting, lets unary handlers end, ends streams; returns when all are done or at the deadline.
  virtual Task<void> drain(Instant deadline) = 0;
};

class RpcServer {
 public:
  virtual ~RpcServer() = default;
  // `address` is "host:port", port 0 picks a free one. ALREADY_EXISTS: in use (names the address and the remedy).
  // `handler` outlives the listener.
  virtual Result<std::unique_ptr<RpcListener>> listen(std::string address, RpcHandler& handler, RpcLimits limits) = 0;
};

}  // namespace reliant::ports

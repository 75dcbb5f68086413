// HttpServer: inbound calls over HTTP/1.1: one request, answered at once or with a stream of chunks (server-sent events).
//
// Owner: HttpServer by the composition root, the listener by the role. Executor: handlers run on the logic thread, one task
// a request in a scope of the listener. A unary handler runs to its end even when its client has gone; a handler that
// streams is destroyed when its client goes (its next write would fail anyway).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "ports/http_headers.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

struct HttpServerRequest {
  std::string method;                                      // "GET"
  std::string path;                                        // "/api/v2/chats", percent-decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  HttpHeaders headers;
  std::string body;
  std::string peer;                 // "host:port", for logs and for limits
  std::shared_ptr<void> admission;  // what the handler's admit() has found out; destroyed with the request
};

struct HttpServerResponse {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

// What a server answers by itself to a request that no handler answers: {"code":...,"message":...}, as JSON.
HttpServerResponse http_refusal(int status, std::string_view message);

// Exactly one of reply() or start_stream() … finish(). A handler that ends without either is answered 500.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;
  virtual Task<Status> reply(HttpServerResponse response) = 0;
  // `head.body` is ignored. After it the client sees what write() sends at once, in chunks.
  virtual Task<Status> start_stream(HttpServerResponse head) = 0;
  // Suspends while the client is slow (backpressure). UNAVAILABLE: the client has gone. DEADLINE_EXCEEDED: it did not
  // read in time; the stream is then closed.
  virtual Task<Status> write(std::string chunk, Instant deadline) = 0;
  virtual Task<Status> finish() = 0;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Called with the head before the body is read, so that a stranger's body is never held. An answer refuses the request: its
  // body is not read, and a connection that has one ends. nullopt: the body is read and handle() follows.
  virtual Task<std::optional<HttpServerResponse>> admit(HttpServerRequest& head) {
    (void)head;
    co_return std::nullopt;
  }
  virtual Task<void> handle(HttpServerRequest request, HttpResponder& responder) = 0;
};

struct HttpServerLimits {
  std::size_t max_body = 2 * 1024 * 1024;  // bytes; above it 413
  std::size_t max_header = 32 * 1024;      // bytes; above it 431
  Duration idle_timeout = std::chrono::seconds(60);
  // Connections beyond these are closed at once. 0: any number.
  std::size_t max_connections = 8192;
  std::size_t max_connections_per_address = 1024;  // a proxy has one address
  std::size_t max_handshakes = 256;                // of TLS, at a time
  std::size_t min_rate = 16 * 1024;  // bytes a second at which an answer is read, beyond idle_timeout; slower ones end
};

class HttpListener {
 public:
  virtual ~HttpListener() = default;               // closes at once, destroying running handlers
  virtual const std::string& address() const = 0;  // "host:port" where it really listens
  // Stops accepting, lets unary handlers end, ends streams; returns when all are done or at the deadline.
  virtual Task<void> drain(Instant deadline) = 0;
};

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  // `address` is "host:port", port 0 picks a free one. ALREADY_EXISTS: in use (names the address and the remedy).
  // `handler` outlives the listener.
  virtual Result<std::unique_ptr<HttpListener>> listen(std::string address, HttpHandler& handler, HttpServerLimits limits) = 0;
};

}  // namespace reliant::ports

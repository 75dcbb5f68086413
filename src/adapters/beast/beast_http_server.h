// BeastHttpServer: the HttpServer of production: HTTP/1.1 (and 1.0) on Boost.Beast's parser. Keep-alive, limits, chunked
// streams with backpressure, 100-continue. With credentials it speaks TLS 1.2 and 1.3 and nothing else (R12); behind a
// proxy that does, it needs none.
//
// Owner: the composition root; it outlives its listeners. Executor: the logic thread; one task a connection, in a scope
// of the listener. A malformed request is answered with a JSON error and ends its connection; what a handler throws is
// logged and answered 500. A client that does not get through the TLS handshake is dropped; the log says so at debug.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/tls/tls_credentials.h"
#include "base/event_log.h"
#include "ports/http_server.h"

namespace reliant::adapters {

// How a TLS port treats a client that speaks plain HTTP.
enum class PlainText : std::uint8_t {
  kRefused,
  kServed,  // on the same port: for health checks, which are no secret, and whose callers often know no certificate
};

class BeastHttpServer final : public ports::HttpServer {
 public:
  BeastHttpServer(AsioExecutor& executor, EventLog& log, std::optional<TlsCredentials> tls = std::nullopt,
                  PlainText plain_text = PlainText::kRefused)
      : executor_(executor), log_(log), tls_(std::move(tls)), plain_text_(plain_text) {}
  // Besides what the port says, FAILED_PRECONDITION: the credentials are unusable.
  Result<std::unique_ptr<ports::HttpListener>> listen(std::string address, ports::HttpHandler& handler,
                                                      ports::HttpServerLimits limits) override;

 private:
  AsioExecutor& executor_;
  EventLog& log_;
  std::optional<TlsCredentials> tls_;
  PlainText plain_text_;
};

}  // namespace reliant::adapters

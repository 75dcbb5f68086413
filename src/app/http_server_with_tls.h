// HttpServerWithTls: one HttpServer that listens twice for one handler: in plain text at the given address, and with
// TLS beside it. The role that it serves knows of the first one only.
//
// Owner: the composition root; it outlives its listeners, and the servers it is made of outlive it. Executor:
// the logic thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ports/http_server.h"

namespace reliant::app {

class HttpServerWithTls final : public ports::HttpServer {
 public:
  // `tls_address` is "host:port"; "": there is no second listener.
  HttpServerWithTls(ports::HttpServer& plain, ports::HttpServer& tls, std::string tls_address)
      : plain_(plain), tls_(tls), wanted_(std::move(tls_address)) {}

  // Both listen, or neither does. Errors of the second one have the field --tls-port.
  Result<std::unique_ptr<ports::HttpListener>> listen(std::string address, ports::HttpHandler& handler,
                                                      ports::HttpServerLimits limits) override;
  // Where the second one really listens, after listen(); "": nowhere.
  const std::string& tls_address() const { return tls_address_; }

 private:
  ports::HttpServer& plain_;
  ports::HttpServer& tls_;
  std::string wanted_;
  std::string tls_address_;
};

}  // namespace reliant::app

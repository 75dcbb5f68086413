// RpcWithTls: one RpcServer that listens twice for one handler: in plain text where it is told to, and with
// TLS beside it. The role that it serves knows of the first one only.
//
// Owner: the composition root; it outlives its listeners, and the servers it is made of outlive it. Executor:
// the logic thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ports/rpc.h"

namespace reliant::app {

class RpcWithTls final : public ports::RpcServer {
 public:
  // `tls_address` is "host:port"; "": there is no second listener.
  RpcWithTls(ports::RpcServer& plain, ports::RpcServer& tls, std::string tls_address)
      : plain_(plain), tls_(tls), wanted_(std::move(tls_address)) {}

  // Both listen, or neither does. Errors of the second one have the field --tls-port.
  Result<std::unique_ptr<ports::RpcListener>> listen(std::string address, ports::RpcHandler& handler,
                                                     ports::RpcLimits limits) override;
  // Where the second one really listens, after listen(); "": nowhere.
  const std::string& tls_address() const { return tls_address_; }

 private:
  ports::RpcServer& plain_;
  ports::RpcServer& tls_;
  std::string wanted_;
  std::string tls_address_;
};

}  // namespace reliant::app

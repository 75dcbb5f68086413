// BeastRpc: the RpcServer of production: HTTP/1.1 (and 1.0) on Boost.Beast's parser. Keep-alive, limits, chunked
// streams with backpressure, 100-continue. No TLS: a proxy in front of it ends that.
//
// Owner: the composition root; it outlives its listeners. Executor: the logic thread; one task a connection, in a scope
// of the listener. A malformed request is answered with a JSON error and ends its connection; what a handler throws is
// logged and answered 500.
#pragma once

#include <memory>
#include <string>

#include "adapters/asio_executor.h"
#include "base/event_log.h"
#include "ports/rpc.h"

namespace reliant::adapters {

class BeastRpc final : public ports::RpcServer {
 public:
  BeastRpc(AsioExecutor& executor, EventLog& log) : executor_(executor), log_(log) {}
  Result<std::unique_ptr<ports::RpcListener>> listen(std::string address, ports::RpcHandler& handler,
                                                     ports::RpcLimits limits) override;

 private:
  AsioExecutor& executor_;
  EventLog& log_;
};

}  // namespace reliant::adapters

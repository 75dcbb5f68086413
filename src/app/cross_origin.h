// CrossOrigin: an RpcServer whose handlers may be called by pages of other sites (CORS): answers the browser's question
// beforehand, and says in every answer which page may read it. `*` stands for every page, but then the browser sends no
// cookies (C34).
//
// Owner: the composition root; it outlives its listeners. Executor: the logic thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ports/rpc.h"

namespace reliant::app {

class CrossOrigin final : public ports::RpcServer {
 public:
  // `origins`: "https://app.example.com" or "*"; none: no other site's page may. `rpc` outlives it.
  CrossOrigin(ports::RpcServer& rpc, std::vector<std::string> origins) : rpc_(rpc), origins_(std::move(origins)) {}

  Result<std::unique_ptr<ports::RpcListener>> listen(std::string address, ports::RpcHandler& handler,
                                                     ports::RpcLimits limits) override;

 private:
  ports::RpcServer& rpc_;
  std::vector<std::string> origins_;
};

// What an answer to a page of `origin` carries; nothing when it may not read it.
ports::RpcHeaders cross_origin_headers(const std::vector<std::string>& origins, const std::string& origin);

}  // namespace reliant::app

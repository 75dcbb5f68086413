// The side of GrpcLink that connects: a channel of gRPC's, that is a connection, for each stream.
//
// Owner: the transport. Executor: the logic thread.
#pragma once

#include <memory>

#include "adapters/grpc_link/grpc_link_calls.h"
#include "adapters/grpc_link/grpc_link_stream.h"
#include "ports/link.h"

namespace reliant::adapters {

class GrpcLinkClient final {
 public:
  explicit GrpcLinkClient(GrpcLinkCalls& calls);
  GrpcLinkClient(const GrpcLinkClient&) = delete;
  GrpcLinkClient& operator=(const GrpcLinkClient&) = delete;
  ~GrpcLinkClient();

  // Starts to connect; opened() waits for the outcome. The caller has validated the target.
  std::shared_ptr<GrpcLinkStream> start(const ports::LinkTarget& target);

 private:
  struct Settings;

  GrpcLinkCalls& calls_;
  const std::unique_ptr<Settings> settings_;
};

}  // namespace reliant::adapters

// GrpcLinkOpener: the side that connects: a channel of gRPC's, that is a connection, for each stream.
//
// Owner: the transport, which shuts the hub before it goes. Executor: the logic thread.
#pragma once

#include <memory>
#include <optional>

#include "adapters/grpc_link/grpc_link_hub.h"
#include "adapters/grpc_link/grpc_link_queue.h"
#include "adapters/grpc_link/grpc_link_stream.h"
#include "ports/link.h"

namespace reliant::adapters {

class GrpcLinkOpener final {
 public:
  explicit GrpcLinkOpener(std::shared_ptr<GrpcLinkHub> hub);
  GrpcLinkOpener(const GrpcLinkOpener&) = delete;
  GrpcLinkOpener& operator=(const GrpcLinkOpener&) = delete;
  ~GrpcLinkOpener();

  // Known to the hub, and on its way: opened() tells. The target was checked.
  std::shared_ptr<GrpcLinkStream> start(const ports::LinkTarget& target);

 private:
  struct Settings;

  std::shared_ptr<GrpcLinkHub> hub_;
  std::unique_ptr<Settings> settings_;
  std::optional<GrpcLinkQueue> queue_;  // of all its streams, from the first one on
};

}  // namespace reliant::adapters

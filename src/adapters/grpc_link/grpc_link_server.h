// The side of GrpcLink that listens: a server of gRPC's that takes every method.
//
// Owner: the role that listens, through the port's LinkListener. Executor: the logic thread.
#pragma once

#include <memory>
#include <string>

#include "adapters/grpc_link/grpc_link_hub.h"
#include "base/status.h"
#include "ports/link.h"

namespace reliant::adapters {

// "host:port"; errors as GrpcLinkTransport::listen.
Result<std::unique_ptr<ports::LinkListener>> listen_for_grpc_links(std::shared_ptr<GrpcLinkHub> hub, std::string address);

}  // namespace reliant::adapters

// The side of GrpcLink that listens: a server of gRPC's that takes every method.
//
// Owner: the role that listens, through the port's LinkListener; of gRPC's server, `calls`, until it closes.
// Executor: the logic thread.
#pragma once

#include <memory>
#include <string_view>

#include "adapters/grpc_link/grpc_link_calls.h"
#include "base/status.h"
#include "ports/link.h"

namespace reliant::adapters {

// "host:port"; errors as GrpcLinkTransport::listen.
Result<std::unique_ptr<ports::LinkListener>> listen_for_grpc_links(GrpcLinkCalls& calls, std::string_view address);

}  // namespace reliant::adapters

// GrpcTemporalServer: any ports::Temporal as a gRPC server, for clients and workers in other processes and
// languages
// (`reliant temporal serve` puts the embedded engine behind it; R5, C37).
//
// It answers the methods of the port, what a client asks a server before its first call (GetClusterInfo,
// ListNamespaces, GetSearchAttributes, grpc.health.v1.Health), and UNIMPLEMENTED to everything else, with the
// words and the error details of a real server. Health is gRPC's own service, which says NOT_SERVING once
// `stop` has begun. For the whole process, `listen` switches that service on for every gRPC server that is
// built from then on, and does what adapters/grpc/grpc_process.h says. Owner: the composition root;
// `temporal` outlives it. Executor: the logic thread runs every call; gRPC's threads only post to it. A
// caller that goes, or whose deadline passes, ends its call. It bounds no long poll: the port does. Failures:
// `listen` is UNAVAILABLE when the port cannot be had, also when another process has it. A request of more
// than 4 MiB is INVALID_ARGUMENT.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "adapters/tls/tls_credentials.h"
#include "base/status.h"
#include "ports/temporal.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace reliant::adapters {

struct GrpcTemporalServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;               // 0: a free one
  std::vector<std::string> namespaces;  // what ListNamespaces shows
  std::optional<TlsCredentials> tls;
};

class GrpcTemporalServer final {
 public:
  static Result<std::unique_ptr<GrpcTemporalServer>> listen(AsioExecutor& executor, Context& context, ports::Temporal& temporal,
                                                            GrpcTemporalServerOptions options);
  GrpcTemporalServer(const GrpcTemporalServer&) = delete;
  GrpcTemporalServer& operator=(const GrpcTemporalServer&) = delete;
  ~GrpcTemporalServer();  // what is under way is answered UNAVAILABLE

  std::uint16_t port() const;
  // Refuses new calls, and waits for those under way until `deadline`; what is left is answered UNAVAILABLE.
  Task<void> stop(Instant deadline);

 private:
  class Impl;
  explicit GrpcTemporalServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace reliant::adapters

// GrpcTemporal: the Temporal port on an external cluster, over gRPC (R16, R57, C37): one connection that
// comes back by itself, kept alive while it is idle, with TLS and an API key where the cluster wants them.
//
// A call is sent once: the caller retries it (temporal/rpc_caller.h, temporal/poller.h). Its gRPC deadline is
// the caller's, or what the SDKs take (70 s for a long poll, 30 s for the rest) when that is sooner. A proxy
// of the environment is never used. Owner: the composition root. Executor: the logic thread; gRPC's threads
// only post to it. For the whole process, `open` does what adapters/grpc/grpc_process.h says. Failures: those
// of the port. UNAVAILABLE: not connected, or the connection broke (a CANCELLED that this side did not
// request counts as one). A long poll that the server has not answered by its deadline is an empty answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "adapters/asio/asio_executor.h"
#include "base/status.h"
#include "ports/temporal.h"

namespace reliant::adapters {

struct GrpcTemporalOptions {
  std::string host = "localhost";
  std::uint16_t port = 7233;
  bool tls = false;
  std::string ca_certificates;     // PEM; "": those of the system
  std::string client_certificate;  // PEM, with client_key: for a cluster that wants one
  std::string client_key;
  std::string server_name;  // that the server's certificate must carry; "": the host
  std::string api_key;      // needs TLS
  std::string client_version = "1.0.0";
};

class GrpcTemporal final : public ports::Temporal {
 public:
  // Does not connect yet; `get_system_info` shows whether it can. INVALID_ARGUMENT names the option that is wrong.
  static Result<std::unique_ptr<GrpcTemporal>> open(AsioExecutor& executor, GrpcTemporalOptions options);
  // Its callers are gone by then, and their calls cancelled; it waits the moment that gRPC takes to be done with them.
  ~GrpcTemporal() override;

#define RELIANT_GRPC_METHOD(name, Name) \
  Task<Result<ports::wf::Name##Response>> name(ports::wf::Name##Request request, Instant deadline) override;
  RELIANT_TEMPORAL_METHODS(RELIANT_GRPC_METHOD)
#undef RELIANT_GRPC_METHOD

 private:
  class Impl;
  explicit GrpcTemporal(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace reliant::adapters

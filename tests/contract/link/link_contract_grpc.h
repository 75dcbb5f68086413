// The real worlds of the link contract: gRPC over loopback, in plain text and with TLS. Two transports, as two processes
// would have them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/grpc_link/grpc_link.h"
#include "adapters/posix/system_clock.h"
#include "adapters/tls/self_signed.h"
#include "base/assert.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "support/started.h"

namespace reliant::tests {

class GrpcLinkWorld {
 public:
  GrpcLinkWorld() : GrpcLinkWorld({}, {}) {}
  explicit GrpcLinkWorld(adapters::GrpcLinkOptions options) : GrpcLinkWorld(options, options) {}
  GrpcLinkWorld(adapters::GrpcLinkOptions opener, adapters::GrpcLinkOptions acceptor)
      : window_(opener.buffer + kOnItsWay + acceptor.buffer),
        opener_(open(std::move(opener))),
        acceptor_(open(std::move(acceptor))) {}

  Executor& executor() { return executor_; }
  adapters::AsioExecutor& asio_executor() { return executor_; }
  ports::LinkTransport& opener() { return *opener_; }
  ports::LinkTransport& acceptor() { return *acceptor_; }
  // Another process.
  std::unique_ptr<adapters::GrpcLinkTransport> open(adapters::GrpcLinkOptions options) {
    auto transport = adapters::GrpcLinkTransport::open(executor_, std::move(options));
    RELIANT_ASSERT(transport.ok(), "the options of a test are good ones");
    return *std::move(transport);
  }
  void close_opener() { opener_.reset(); }
  void close_acceptor() { acceptor_.reset(); }
  std::string free_address() { return "127.0.0.1:0"; }
  std::size_t window() const { return window_; }
  TaskScope& scope() { return scope_; }
  bool run_until(const std::function<bool()>& done) { return executor_.run_loop_until(done, std::chrono::seconds(40)); }
  bool run(Task<void> test) {
    bool ended = false;
    scope_.spawn(marked(std::move(test), ended));
    return run_until([&] { return ended; });
  }

 private:
  static constexpr std::size_t kOnItsWay = 96 * 1024;  // the window of HTTP/2, and what gRPC grants ahead

  std::size_t window_;
  adapters::AsioExecutor executor_;
  std::unique_ptr<adapters::GrpcLinkTransport> opener_;
  std::unique_ptr<adapters::GrpcLinkTransport> acceptor_;
  TaskScope scope_{executor_, 0};
};

// For 127.0.0.1 and this machine's names; a client that trusts it has it as `roots`.
inline adapters::TlsCredentials own_certificate() {
  adapters::AsioExecutor executor;
  auto made = adapters::make_self_signed(adapters::SystemClock(executor).wall_now());
  RELIANT_ASSERT(made.ok(), "OpenSSL makes keys and certificates");
  return *std::move(made);
}

inline adapters::GrpcLinkOptions tls_options(const adapters::TlsCredentials& certificate) {
  return {.certificate = certificate, .security = adapters::GrpcLinkSecurity::kTls, .roots = certificate.certificate_chain};
}

class GrpcTlsLinkWorld : public GrpcLinkWorld {
 public:
  GrpcTlsLinkWorld() : GrpcLinkWorld(tls_options(own_certificate())) {}
};

}  // namespace reliant::tests

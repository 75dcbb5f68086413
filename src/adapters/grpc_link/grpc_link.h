// GrpcLink: the Link over gRPC (R44 to R46, R70, R73): bidirectional streams of bytes under any method's
// name, HTTP/2 with TLS, with TLS that trusts anybody, or in plain text (h2c). What the roles send is what is
// on the wire.
//
//   auto links = GrpcLinkTransport::open(executor, {.certificate = credentials});          // a gateway
//   links.value()->listen("0.0.0.0:9190")
//
//   auto links = GrpcLinkTransport::open(executor, {.security = GrpcLinkSecurity::kTls});  // a daemon
//   links.value()->connect({"host:9190", "pkg.Service/Method", metadata}, deadline)
//
// Every connect() opens a new connection. There is no automatic reconnect: a caller that needs one calls
// connect() again. A status travels whole: code, message, field, reason and retry-after
// (adapters/grpc_link_convert.h). A peer that does not read, or a role that does not receive, costs 128 kB a
// stream at most, however small the messages: `buffer` on each side, and what HTTP/2's window lets be on its
// way (adapters/grpc_link_convert.cpp). TLS takes up to 128 kB more for a connection.
//
// Owner: the composition root; it outlives its listeners and links, and the executor outlives it. Executor:
// the logic thread; gRPC's own threads call back to reactors, which only post to an Inbox. The destructor
// breaks off what is left and waits for gRPC, which takes milliseconds, and half a second for frozen peers.
// Failures: those of the port. RESOURCE_EXHAUSTED also ends a stream whose peer sends more than max_message.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adapters/asio/asio_executor.h"
#include "adapters/tls/tls_credentials.h"
#include "base/status.h"
#include "ports/link.h"
#include "runtime/task.h"

namespace reliant::adapters {

enum class GrpcLinkSecurity : std::uint8_t {
  kPlaintext,      // "h2c"
  kTls,            // "tls"
  kTlsSkipVerify,  // "insecure_tls_skip_verify": encrypted, but the server is not authenticated
};

struct GrpcLinkOptions {
  // --- listeners
  std::optional<TlsCredentials> certificate;  // none: plain text
  std::string client_roots;                   // PEM CAs; if set, peers must present a certificate signed by one (C29, C32)
  std::size_t backlog = 128;                  // links that wait for accept()
  std::size_t max_received = 0;               // bytes of a message; larger ones end the stream unread. 0: max_message
  // TLS and HTTP/2's settings; then the connection is closed.
  Duration handshake_within = std::chrono::seconds(10);
  Duration idle_for = std::chrono::seconds(60);  // a connection without a stream; then it is closed

  // --- connectors
  GrpcLinkSecurity security = GrpcLinkSecurity::kPlaintext;
  std::string roots;                                 // PEM, CAs trusted to sign the server's certificate; "": the system's
  std::optional<TlsCredentials> client_certificate;  // shown to the server (C32)

  // --- both
  std::size_t max_message = std::size_t{4} << 20;  // gRPC's default
  // Bytes of a stream that wait to be sent, and that wait for receive().
  std::size_t buffer = std::size_t{16} << 10;
  // Keepalive of this side; the peer has its own. After `keepalive_time` without data from the peer HTTP/2 sends a ping, and
  // without an answer within `keepalive_timeout` its streams end: a frozen peer or network is detected after the sum of both.
  // gRPC also sets TCP_USER_TIMEOUT to `keepalive_timeout`: data that the peer's system does not acknowledge for that long
  // ends the connection, too. A daemon keeps the default, 30 s, and so knows that its gateway has fallen silent rather than
  // died (daemon/session.h). A gateway waits longer (gateway::kKeepaliveTimeout), so that a silent daemon is stale at 30 s and
  // loses its stream at 120 s, both by the gateway's own rule (C1, R79, R80).
  Duration keepalive_time = std::chrono::seconds(20);
  Duration keepalive_timeout = std::chrono::seconds(10);
  // Time limit for delivering what was sent before finish(); then the stream is broken off.
  Duration linger = std::chrono::seconds(10);
};

class GrpcLinkCalls;
class GrpcLinkClient;

class GrpcLinkTransport final : public ports::LinkTransport {
 public:
  // INVALID_ARGUMENT names the option whose PEM cannot be used: "certificate", "private_key", "client_roots",
  // "roots", "client_certificate", "client_private_key".
  static Result<std::unique_ptr<GrpcLinkTransport>> open(AsioExecutor& executor, GrpcLinkOptions options = {});
  GrpcLinkTransport(const GrpcLinkTransport&) = delete;
  GrpcLinkTransport& operator=(const GrpcLinkTransport&) = delete;
  ~GrpcLinkTransport() override;

  // "host:port"; port 0 becomes a free one. PERMISSION_DENIED, INVALID_ARGUMENT: not an address to listen on.
  // A listener that is closed frees its port at once, and its memory with the transport.
  Result<std::unique_ptr<ports::LinkListener>> listen(std::string address) override;
  Task<Result<std::unique_ptr<ports::Link>>> connect(ports::LinkTarget target, Instant deadline) override;

 private:
  GrpcLinkTransport(AsioExecutor& executor, GrpcLinkOptions options);

  const std::unique_ptr<GrpcLinkCalls> calls_;
  const std::unique_ptr<GrpcLinkClient> client_;
};

}  // namespace reliant::adapters

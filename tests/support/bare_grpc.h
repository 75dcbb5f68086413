// A stream of bytes over bare gRPC, as a program writes it that needs nothing else: the other end of a GrpcLink in its tests, and
// what benches measure it against.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/slice.h>

namespace reliant::tests {

inline grpc::ByteBuffer bare_message(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

// TLS with anybody.
inline std::shared_ptr<grpc::ChannelCredentials> bare_tls() {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

inline std::shared_ptr<grpc::Channel> bare_connection(const std::string& address,
                                                      const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // else a stream takes megabytes that are never read
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

// The opener's side, on a connection of its own. It lives as long as its program.
class BareGrpcStream : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit BareGrpcStream(const std::string& address,
                          const std::shared_ptr<grpc::ChannelCredentials>& credentials = grpc::InsecureChannelCredentials())
      : channel_(bare_connection(address, credentials)), stub_(channel_) {
    stub_.PrepareBidiStreamingCall(&context_, "/reliant.test.v1.Test/Stream", grpc::StubOptions(), this);
    AddHold();
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_;
  grpc::ClientContext context_;
};

}  // namespace reliant::tests

#include "adapters/grpc_link/grpc_link_client.h"

#include <optional>
#include <utility>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_callback.h>

#include "adapters/grpc_link/grpc_link_call.h"
#include "adapters/grpc_link/grpc_link_convert.h"
#include "base/assert.h"

namespace reliant::adapters {
namespace {

std::shared_ptr<grpc::ChannelCredentials> credentials_of(const GrpcLinkOptions& options) {
  if (options.security == GrpcLinkSecurity::kPlaintext) return grpc::InsecureChannelCredentials();
  const auto& mine = options.client_certificate;
  if (options.security == GrpcLinkSecurity::kTls) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = options.roots;
    if (mine) tls.pem_cert_chain = mine->certificate_chain;
    if (mine) tls.pem_private_key = mine->private_key;
    return grpc::SslCredentials(tls);
  }
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_verify_server_certs(false);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  if (mine) {
    const std::vector<grpc::experimental::IdentityKeyCertPair> pair{{mine->private_key, mine->certificate_chain}};
    tls.set_certificate_provider(std::make_shared<grpc::experimental::StaticDataCertificateProvider>(pair));
    tls.watch_identity_key_cert_pairs();
  }
  return grpc::experimental::TlsCredentials(tls);
}

grpc::ChannelArguments arguments_of(const GrpcLinkOptions& options) {
  grpc::ChannelArguments arguments;
  for (const auto& [name, value] : channel_arguments(options)) arguments.SetInt(name, value);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Otherwise channels share connections, and how long they wait before they connect again.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_message));
  return arguments;
}

class ClientStream final : public GrpcLinkCall<grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>> {
 public:
  ClientStream(GrpcLinkCalls& calls, std::shared_ptr<grpc::Channel> channel, const ports::LinkTarget& target)
      : GrpcLinkCall(Side::kOpener, calls), call_(std::in_place, std::move(channel)) {
    for (const auto& [key, value] : target.metadata) call_->context.AddMetadata(key, value);
  }

  void begin(const std::string& method) {
    call_->stub.PrepareBidiStreamingCall(&call_->context, concat("/", method), grpc::StubOptions(), this);
    AddHold();  // operations start from the logic thread, until start_end()
    StartCall();
  }

 private:
  void start_half_close() override { StartWritesDone(); }
  void start_end(const Status&) override { RemoveHold(); }
  void start_cancel() override { call_->context.TryCancel(); }

  void OnReadInitialMetadataDone(bool ok) override {
    calls().post([this, ok] { ok ? on_open() : on_refused(); });
  }
  void on_reads_over() override {
    calls().post([this] { on_read(std::nullopt); });
  }
  void OnDone(const grpc::Status& status) override {
    calls().ended(*this, [this, status = from_grpc(status, call_->context)] {
      on_done(status);
      call_.reset();
    });
  }

  // What has a share of the connection.
  struct Call {
    explicit Call(std::shared_ptr<grpc::Channel> channel) : stub(std::move(channel)) {}
    grpc::GenericStub stub;
    grpc::ClientContext context;
  };

  std::optional<Call> call_;
};

}  // namespace

struct GrpcLinkClient::Settings {
  explicit Settings(const GrpcLinkOptions& options) : credentials(credentials_of(options)), arguments(arguments_of(options)) {}
  const std::shared_ptr<grpc::ChannelCredentials> credentials;
  const grpc::ChannelArguments arguments;
};

GrpcLinkClient::GrpcLinkClient(GrpcLinkCalls& calls) : calls_(calls), settings_(std::make_unique<Settings>(calls.options())) {}
GrpcLinkClient::~GrpcLinkClient() = default;

std::shared_ptr<GrpcLinkStream> GrpcLinkClient::start(const ports::LinkTarget& target) {
  auto channel = grpc::CreateCustomChannel(target.address, settings_->credentials, settings_->arguments);
  auto stream = std::make_shared<ClientStream>(calls_, std::move(channel), target);
  const bool added = calls_.add(stream);
  RELIANT_ASSERT(added, "connect() must not be called while the transport is destroyed");
  stream->begin(target.method);
  return stream;
}

}  // namespace reliant::adapters

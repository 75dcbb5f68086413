#include "adapters/grpc_link_opener.h"

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

#include "adapters/grpc_link_convert.h"
#include "adapters/grpc_link_reactor.h"

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

class OpenerStream final : public GrpcLinkReactor<grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>> {
 public:
  OpenerStream(std::shared_ptr<GrpcLinkHub> hub, std::shared_ptr<grpc::Channel> channel, const ports::LinkTarget& target)
      : GrpcLinkReactor(Side::kOpener, std::move(hub)),
        method_(concat("/", target.method)),
        call_(std::make_unique<Call>(std::move(channel))) {
    for (const auto& [key, value] : target.metadata) call_->context.AddMetadata(key, value);
  }

  void begin() {
    call_->stub.PrepareBidiStreamingCall(&call_->context, method_, grpc::StubOptions(), this);
    AddHold();  // until start_end(): operations come from the logic thread
    StartCall();
  }

 private:
  void start_half_close() override { StartWritesDone(); }
  void start_end(const Status&) override { RemoveHold(); }
  void start_cancel() override { call_->context.TryCancel(); }

  void OnReadInitialMetadataDone(bool ok) override {
    hub().post([this, ok] { ok ? on_open() : on_refused(); });
  }
  void OnReadDone(bool ok) override {
    hub().post([this, ok] { on_read(ok ? std::optional(take_incoming()) : std::nullopt); });
  }
  void OnDone(const grpc::Status& status) override {
    hub().post([this, status] {
      on_done(from_grpc(status, call_->context));
      // With the connection: the last one of a process joins threads.
      hub().later([call = std::move(call_)]() mutable { call.reset(); });
      hub().remove(*this);
    });
  }

  // All that has a share of the connection.
  struct Call {
    explicit Call(std::shared_ptr<grpc::Channel> channel) : stub(std::move(channel)) {}
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub;
    grpc::ClientContext context;
  };

  std::string method_;
  std::unique_ptr<Call> call_;
};

}  // namespace

struct GrpcLinkOpener::Settings {
  explicit Settings(const GrpcLinkOptions& options)
      : credentials(credentials_of(options)), arguments(arguments_of(options)) {}
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  grpc::ChannelArguments arguments;
};

GrpcLinkOpener::GrpcLinkOpener(std::shared_ptr<GrpcLinkHub> hub)
    : hub_(std::move(hub)), settings_(std::make_unique<Settings>(hub_->options())) {}
GrpcLinkOpener::~GrpcLinkOpener() = default;

std::shared_ptr<GrpcLinkStream> GrpcLinkOpener::start(const ports::LinkTarget& target) {
  auto channel = grpc::CreateCustomChannel(target.address, settings_->credentials, settings_->arguments);
  auto stream = std::make_shared<OpenerStream>(hub_, std::move(channel), target);
  hub_->add(stream);
  stream->begin();
  return stream;
}

}  // namespace reliant::adapters

#include "adapters/grpc_link/grpc_link_opener.h"

#include <optional>
#include <utility>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_callback.h>

#include "adapters/grpc_link/grpc_link_convert.h"
#include "adapters/grpc_link/grpc_link_call.h"

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

// A stream that the server ended before it began: gRPC tells its own reactors, and nobody else.
class RefusedOrNot final : public grpc::internal::ClientReactor {
 public:
  bool refused(grpc::ClientContext& context) const { return InternalTrailersOnly(context.c_call()); }

 private:
  void OnDone(const grpc::Status&) override {}
};

using OpenerRpc = grpc::ClientAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;

class OpenerStream final : public GrpcLinkCall<OpenerRpc> {
 public:
  OpenerStream(std::shared_ptr<GrpcLinkHub> hub, std::shared_ptr<grpc::Channel> channel, const ports::LinkTarget& target)
      : GrpcLinkCall(Side::kOpener, std::move(hub)), call_(std::make_unique<Call>(std::move(channel))) {
    for (const auto& [key, value] : target.metadata) call_->context.AddMetadata(key, value);
  }

  void begin(const std::string& method, grpc::CompletionQueue& queue) {
    set_queue(queue);
    call_->rpc = call_->stub.PrepareCall(&call_->context, concat("/", method), &queue);
    call_->rpc->StartCall(begun(started_));
    call_->rpc->ReadInitialMetadata(begun(opened_));
  }

 private:
  OpenerRpc& rpc() override { return *call_->rpc; }
  void start_half_close() override { call_->rpc->WritesDone(begun(half_closed_)); }
  void start_end(const Status&) override { call_->rpc->Finish(&status_, finished_.start()); }
  void start_cancel() override { call_->context.TryCancel(); }

  // The call was started, and: it was taken. In this order, or the other one; gRPC takes no write before the first.
  void opening_told(bool ok) {
    if (!ok) opening_fine_ = false;
    if (half_opened_.exchange(true)) {
      const bool fine = opening_fine_ && !RefusedOrNot().refused(call_->context);
      hub().post([this, fine] { fine ? on_open() : on_refused(); });
    }
    ended();
  }
  void reads_told_over() override {
    hub().post([this] { on_read(std::nullopt); });
  }
  void any_told(bool) { ended(); }
  void all_told() override {
    hub().post([this] {
      on_done(from_grpc(status_, call_->context));
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
    std::unique_ptr<OpenerRpc> rpc;  // in memory of the context's
  };

  std::unique_ptr<Call> call_;
  grpc::Status status_;
  std::atomic<bool> half_opened_ = false;
  std::atomic<bool> opening_fine_ = true;
  GrpcLinkTagOf<OpenerStream> started_{*this, &OpenerStream::opening_told};
  GrpcLinkTagOf<OpenerStream> opened_{*this, &OpenerStream::opening_told};
  GrpcLinkTagOf<OpenerStream> half_closed_{*this, &OpenerStream::any_told};
  GrpcLinkTagOf<OpenerStream> finished_{*this, &OpenerStream::any_told};
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
  if (!queue_) queue_.emplace(std::make_unique<grpc::CompletionQueue>());
  stream->begin(target.method, queue_->get());
  return stream;
}

}  // namespace reliant::adapters

#include "adapters/grpc_link/grpc_link_server.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include <grpc/grpc.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_callback.h>

#include "adapters/grpc_link/grpc_link_call.h"
#include "adapters/grpc_link/grpc_link_convert.h"
#include "adapters/posix/unique_fd.h"
#include "base/url.h"
#include "runtime/channel.h"

namespace reliant::adapters {
namespace {

constexpr auto kGoodbye = std::chrono::milliseconds(500);

Status nobody_listens(std::string_view address) { return unavailable("no listener at ", address); }

std::string readable_peer(std::string peer) {  // "ipv4:127.0.0.1:4711", "ipv6:%5B::1%5D:4711"
  if (peer.starts_with("ipv4:") || peer.starts_with("ipv6:")) peer.erase(0, 5);
  for (const auto& [from, to] : {std::pair{"%5B", "["}, std::pair{"%5D", "]"}}) {
    if (const std::size_t at = peer.find(from); at != std::string::npos) peer.replace(at, 3, to);
  }
  return peer;
}

class ServerStream final : public GrpcLinkCall<grpc::ServerGenericBidiReactor> {
 public:
  ServerStream(GrpcLinkCalls& calls, grpc::GenericCallbackServerContext& context)
      : GrpcLinkCall(Side::kAcceptor, calls),
        context_(context),
        method_(context.method().substr(context.method().starts_with('/') ? 1 : 0)),
        metadata_(metadata_of(context)),
        peer_(readable_peer(context.peer())) {}

  void begin() {
    StartSendInitialMetadata();  // which is how the opener knows that it is connected
    on_open();
  }

  const std::string& method() const { return method_; }
  const ports::LinkMetadata& metadata() const { return metadata_; }
  const std::string& peer() const { return peer_; }
  void watch() { calls().watch(shared_from_this()); }

 private:
  void start_half_close() override {}
  void start_end(const Status& status) override { Finish(to_grpc(status, context_)); }
  void start_cancel() override { context_.TryCancel(); }

  void on_reads_over() override {
    // Has the peer half-closed, or is the stream broken? gRPC mostly knows by now; of a message that is too
    // large it says so a moment later.
    const bool broken = context_.IsCancelled();
    calls().post([this, broken] {
      if (broken) on_cancelled();
      calls().settle(shared_from_this());
    });
  }
  void OnCancel() override {
    calls().post([this] { on_cancelled(); });
  }
  void OnDone() override {
    calls().ended(*this, [this] { on_done(cancelled("the stream has ended")); });
  }

  grpc::GenericCallbackServerContext& context_;  // gRPC's, until OnDone; thus not used after start_end()
  const std::string method_;
  const ports::LinkMetadata metadata_;
  const std::string peer_;
};

// For a stream that comes while the transport closes.
class RefusedStream final : public grpc::ServerGenericBidiReactor {
 public:
  RefusedStream() { Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server stops")); }

 private:
  void OnDone() override { delete this; }
};

class GrpcAcceptedLink final : public GrpcLinkOf<ports::AcceptedLink, ServerStream> {
 public:
  using GrpcLinkOf::GrpcLinkOf;

  const ports::LinkMetadata& metadata() const override { return stream()->metadata(); }
  const std::string& method() const override { return stream()->method(); }
  const std::string& peer() const override { return stream()->peer(); }
  void finish(Status status) override {
    stream()->finish(std::move(status));
    stream()->watch();
  }
};

// Closes the ports, and tells the peers to open no more streams on their connections. grpc::Server::Shutdown does the same, but
// waits until all streams have ended; gRPC's core reports their end to a queue, which nothing here polls.
void stop_listening(grpc::Server& server) {
  struct Ignored final : grpc_completion_queue_functor {
    Ignored() : grpc_completion_queue_functor{} {
      functor_run = [](grpc_completion_queue_functor* self, int) { delete static_cast<Ignored*>(self); };
    }
  };
  grpc_completion_queue* queue = grpc_completion_queue_create_for_callback(new Ignored, nullptr);
  grpc_server_shutdown_and_notify(server.c_server(), queue, new Ignored);
  grpc_completion_queue_destroy(queue);  // when it has reported
}

// A server of gRPC's that takes every method. It lives on until the transport closes, also when its listener
// has gone.
class Server final : public grpc::CallbackGenericService {
 public:
  explicit Server(GrpcLinkCalls& calls) : calls_(calls), arrivals_(calls.options().backlog) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // All streams have been broken off. Without a deadline it would wait 20 s for frozen peers to acknowledge
  // the GOAWAY.
  ~Server() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + kGoodbye);
  }

  // 0: it cannot.
  int start(const std::string& address);
  void set_address(std::string address) { address_ = std::move(address); }
  const std::string& address() const { return address_; }

  Task<Result<std::unique_ptr<ports::AcceptedLink>>> accept() {
    std::optional<std::unique_ptr<GrpcAcceptedLink>> link;
    if (!closed_) link = co_await arrivals_.recv();
    if (!link) co_return unavailable("the listener at ", address_, " was closed");
    co_return *std::move(link);
  }
  void close();

 private:
  // On gRPC's thread.
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    auto stream = std::make_shared<ServerStream>(calls_, *context);
    if (!calls_.add(stream)) return new RefusedStream;
    calls_.post([this, stream] { arrived(stream); });
    return stream.get();
  }
  void arrived(const std::shared_ptr<ServerStream>& stream);

  GrpcLinkCalls& calls_;
  std::string address_;
  Channel<std::unique_ptr<GrpcAcceptedLink>> arrivals_;
  bool closed_ = false;
  std::unique_ptr<grpc::Server> server_;
};

int Server::start(const std::string& address) {
  const GrpcLinkOptions& options = calls_.options();
  grpc::ServerBuilder builder;
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (options.certificate) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({options.certificate->private_key, options.certificate->certificate_chain});
    if (!options.client_roots.empty()) {
      tls.pem_root_certs = options.client_roots;
      tls.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    }
    credentials = grpc::SslServerCredentials(tls);
  }
  int port = 0;
  builder.AddListeningPort(address, credentials, &port);
  builder.RegisterCallbackGenericService(this);
  for (const auto& [name, value] : channel_arguments(options)) builder.AddChannelArgument(name, value);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT,
                             0);  // otherwise two servers share a port without an error
  const auto milliseconds = [](Duration time) {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
  };
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, milliseconds(options.handshake_within));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(options.idle_for));
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_received == 0 ? options.max_message : options.max_received));
  server_ = builder.BuildAndStart();
  return server_ == nullptr ? 0 : port;
}

void Server::arrived(const std::shared_ptr<ServerStream>& stream) {
  if (closed_) return stream->finish(nobody_listens(address_));
  if (arrivals_.size() == calls_.options().backlog) {
    return stream->finish(unavailable("too many links wait to be accepted at ", address_));
  }
  stream->begin();
  (void)arrivals_.try_send(std::make_unique<GrpcAcceptedLink>(stream));
}

void Server::close() {
  if (std::exchange(closed_, true)) return;
  stop_listening(*server_);
  arrivals_.close();
  while (std::optional<std::unique_ptr<GrpcAcceptedLink>> link = arrivals_.try_recv()) {
    (*link)->finish(nobody_listens(address_));
  }
}

class GrpcLinkListener final : public ports::LinkListener {
 public:
  explicit GrpcLinkListener(Server& server) : server_(server) {}
  GrpcLinkListener(const GrpcLinkListener&) = delete;
  GrpcLinkListener& operator=(const GrpcLinkListener&) = delete;
  ~GrpcLinkListener() override { server_.close(); }

  Task<Result<std::unique_ptr<ports::AcceptedLink>>> accept() override { return server_.accept(); }
  const std::string& address() const override { return server_.address(); }
  void close() override { server_.close(); }

 private:
  Server& server_;
};

// gRPC reports only that it failed: ask the system for the reason.
Status why_not(const HostPort& where) {
  const std::string address = where.str();
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found) != 0) {
    return invalid_argument("cannot listen on ", address, ": there is no such host");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> kept(found, ::freeaddrinfo);
  const UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const int error = ::bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0 ? EADDRINUSE : errno;  // it was, just now
  if (error == EADDRINUSE) {
    return already_exists(address, " is already in use; stop the program that listens there or choose another port");
  }
  if (error == EACCES) return permission_denied("no permission to listen on ", address, "; choose a port above 1023");
  return invalid_argument("cannot listen on ", address, ": ", std::strerror(error),
                          "; use an address of this machine, such as 127.0.0.1:9190");
}

}  // namespace

Result<std::unique_ptr<ports::LinkListener>> listen_for_grpc_links(GrpcLinkCalls& calls, std::string_view address) {
  TRY_ASSIGN(HostPort where, parse_host_port(address));
  if (where.host.empty()) where.host = "0.0.0.0";
  auto server = std::make_unique<Server>(calls);
  const int port = server->start(where.str());
  if (port == 0) return why_not(where);
  where.port = static_cast<std::uint16_t>(port);
  server->set_address(where.str());
  auto listener = std::make_unique<GrpcLinkListener>(*server);
  calls.at_close([server = std::move(server)]() mutable { server.reset(); });
  return listener;
}

}  // namespace reliant::adapters

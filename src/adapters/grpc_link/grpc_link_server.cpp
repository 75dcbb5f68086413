#include "adapters/grpc_link/grpc_link_server.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/async_stream.h>

#include "adapters/grpc_link/grpc_link_convert.h"
#include "adapters/grpc_link/grpc_link_call.h"
#include "adapters/posix/unique_fd.h"
#include "base/url.h"
#include "runtime/channel.h"

namespace reliant::adapters {
namespace {

class Server;

constexpr auto kGoodbye = std::chrono::milliseconds(500);

Status nobody_listens(std::string_view address) { return unavailable("nobody listens at ", address); }

std::string readable_peer(std::string peer) {  // "ipv4:127.0.0.1:4711", "ipv6:%5B::1%5D:4711"
  if (peer.starts_with("ipv4:") || peer.starts_with("ipv6:")) peer.erase(0, 5);
  for (const auto& [from, to] : {std::pair{"%5B", "["}, std::pair{"%5D", "]"}}) {
    if (const std::size_t at = peer.find(from); at != std::string::npos) peer.replace(at, 3, to);
  }
  return peer;
}

class AcceptorStream final : public GrpcLinkCall<grpc::GenericServerAsyncReaderWriter> {
 public:
  AcceptorStream(std::shared_ptr<GrpcLinkHub> hub, std::shared_ptr<Server> server)
      : GrpcLinkCall(Side::kAcceptor, std::move(hub)), server_(std::move(server)) {
    context_.AsyncNotifyWhenDone(over_.start());
  }

  // The next stream that comes shall be this one.
  void wait_for(grpc::AsyncGenericService& service, grpc::ServerCompletionQueue& queue) {
    set_queue(queue);
    service.RequestCall(&context_, &rpc_, &queue, &queue, came_.start());
  }
  void begin() {
    rpc_.SendInitialMetadata(begun(begun_));  // which is how the opener knows that it is connected
    on_open();
  }

  const std::string& method() const { return method_; }
  const ports::LinkMetadata& metadata() const { return metadata_; }
  const std::string& peer() const { return peer_; }
  void watch() { hub().watch(shared_from_this()); }

 private:
  grpc::GenericServerAsyncReaderWriter& rpc() override { return rpc_; }
  void start_half_close() override {}
  void start_end(const Status& status) override { rpc_.Finish(to_grpc(status, context_), finished_.start()); }
  void start_cancel() override { context_.TryCancel(); }

  void came_told(bool ok);
  void reads_told_over() override {
    // Has the peer half-closed, or is the stream broken? gRPC mostly knows by now; of a message that is too large it says
    // so a moment later.
    const bool broken = context_.IsCancelled();
    hub().post([this, broken] {
      if (broken) on_cancelled();
      hub().settle(shared_from_this());
    });
  }
  void over_told(bool) {
    if (context_.IsCancelled()) hub().post([this] { on_cancelled(); });
    ended();
  }
  void any_told(bool) { ended(); }
  void all_told() override;

  std::shared_ptr<Server> server_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter rpc_{&context_};
  std::string method_;
  ports::LinkMetadata metadata_;
  std::string peer_;
  GrpcLinkTagOf<AcceptorStream> came_{*this, &AcceptorStream::came_told};
  GrpcLinkTagOf<AcceptorStream> begun_{*this, &AcceptorStream::any_told};
  GrpcLinkTagOf<AcceptorStream> over_{*this, &AcceptorStream::over_told};
  GrpcLinkTagOf<AcceptorStream> finished_{*this, &AcceptorStream::any_told};
};

class GrpcAcceptedLink final : public GrpcLinkOf<ports::AcceptedLink, AcceptorStream> {
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

// A server of gRPC's, until the last of its streams has ended.
class Server final : public std::enable_shared_from_this<Server> {
 public:
  explicit Server(std::shared_ptr<GrpcLinkHub> hub) : hub_(std::move(hub)), arrivals_(hub_->options().backlog) {}

  // 0: it cannot.
  int start(const std::string& address);
  // In the hub's hands from now on.
  void begin(std::string address) {
    address_ = std::move(address);
    number_ = hub_->next_number();
    hub_->add_server(number_, [self = shared_from_this()] { self->close(); });
    wait_for_next();
    queue_.emplace(std::move(own_queue_));
  }

  Task<Result<std::unique_ptr<ports::AcceptedLink>>> accept() {
    std::optional<std::unique_ptr<GrpcAcceptedLink>> link;
    if (!closed_) link = co_await arrivals_.recv();
    if (!link) co_return unavailable("the listener at ", address_, " was closed");
    co_return *std::move(link);
  }
  void close();
  const std::string& address() const { return address_; }

  void arrived(const std::shared_ptr<AcceptorStream>& stream) {
    hub_->add(stream);
    ++streams_;
    if (closed_) return stream->finish(nobody_listens(address_));
    if (arrivals_.size() == hub_->options().backlog) {
      return stream->finish(unavailable("too many links wait to be accepted at ", address_));
    }
    stream->begin();
    (void)arrivals_.try_send(std::make_unique<GrpcAcceptedLink>(stream));
  }
  void left() {
    --streams_;
    end_if_over();
  }
  // On the queue's thread: the stream that was waited for has come; or none comes any more.
  void came(bool ok) {
    if (ok) {
      hub_->post([self = shared_from_this(), stream = std::move(waiting_)] { self->arrived(stream); });
      return wait_for_next();
    }
    hub_->post([self = shared_from_this(), never = std::move(waiting_)] {
      self->waits_ = false;
      self->end_if_over();
    });
  }

 private:
  void wait_for_next() {
    waiting_ = std::make_shared<AcceptorStream>(hub_, shared_from_this());
    waiting_->wait_for(service_, *server_queue_);
  }
  void end_if_over();

  std::shared_ptr<GrpcLinkHub> hub_;
  std::string address_;
  std::uint64_t number_ = 0;
  Channel<std::unique_ptr<GrpcAcceptedLink>> arrivals_;
  std::size_t streams_ = 0;
  bool waits_ = true;  // for a stream
  bool closed_ = false;
  bool ending_ = false;
  std::unique_ptr<grpc_completion_queue, decltype(&grpc_completion_queue_destroy)> shutdown_queue_{
      grpc_completion_queue_create_for_next(nullptr), grpc_completion_queue_destroy};
  std::shared_ptr<AcceptorStream> waiting_;  // the queue's thread's
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> own_queue_;  // until it has its thread
  grpc::ServerCompletionQueue* server_queue_ = nullptr;
  std::optional<GrpcLinkQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
};

void AcceptorStream::came_told(bool ok) {
  if (ok) {
    begin_one();
    method_ = context_.method().substr(context_.method().starts_with('/') ? 1 : 0);
    metadata_ = metadata_of(context_);
    peer_ = readable_peer(context_.peer());
  }
  server_->came(ok);
}

void AcceptorStream::all_told() {
  hub().post([this] {
    on_done(cancelled("the stream has ended"));
    const std::shared_ptr<Server> server = std::move(server_);
    hub().remove(*this);
    server->left();
  });
}

int Server::start(const std::string& address) {
  const GrpcLinkOptions& options = hub_->options();
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
  builder.RegisterAsyncGenericService(&service_);
  own_queue_ = builder.AddCompletionQueue();
  server_queue_ = own_queue_.get();
  for (const auto& [name, value] : channel_arguments(options)) builder.AddChannelArgument(name, value);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // else two servers share a port, and nobody is told
  const auto milliseconds = [](Duration time) {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
  };
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, milliseconds(options.handshake_within));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(options.idle_for));
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_received == 0 ? options.max_message : options.max_received));
  server_ = builder.BuildAndStart();
  return server_ == nullptr ? 0 : port;
}

void Server::close() {
  if (std::exchange(closed_, true)) return;
  // grpc::Server::Shutdown waits until all streams have ended. This does not, and the port is free when it returns.
  grpc_server_shutdown_and_notify(server_->c_server(), shutdown_queue_.get(), nullptr);
  arrivals_.close();
  while (std::optional<std::unique_ptr<GrpcAcceptedLink>> link = arrivals_.try_recv()) {
    (*link)->finish(nobody_listens(address_));
  }
  end_if_over();
}

void Server::end_if_over() {
  if (!closed_ || waits_ || streams_ > 0 || std::exchange(ending_, true)) return;
  hub_->later([self = shared_from_this()]() mutable {
    // Its streams have ended. Without a deadline it would wait for what frozen peers say to the goodbye, 20 s.
    self->server_->Shutdown(std::chrono::system_clock::now() + kGoodbye);
    // What close() has asked for is known by now.
    const gpr_timespec never = gpr_inf_future(GPR_CLOCK_REALTIME);
    (void)grpc_completion_queue_next(self->shutdown_queue_.get(), never, nullptr);
    self->queue_.reset();
    self->server_.reset();
    GrpcLinkHub& hub = *self->hub_;
    hub.post([self = std::move(self)] { self->hub_->remove_server(self->number_); });
  });
}

class GrpcLinkListener final : public ports::LinkListener {
 public:
  explicit GrpcLinkListener(std::shared_ptr<Server> server) : server_(std::move(server)) {}
  ~GrpcLinkListener() override { server_->close(); }

  Task<Result<std::unique_ptr<ports::AcceptedLink>>> accept() override { return server_->accept(); }
  const std::string& address() const override { return server_->address(); }
  void close() override { server_->close(); }

 private:
  std::shared_ptr<Server> server_;
};

// gRPC only says that it could not: what does the system say?
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

Result<std::unique_ptr<ports::LinkListener>> listen_for_grpc_links(std::shared_ptr<GrpcLinkHub> hub, std::string address) {
  TRY_ASSIGN(HostPort where, parse_host_port(address));
  if (where.host.empty()) where.host = "0.0.0.0";
  auto server = std::make_shared<Server>(std::move(hub));
  const int port = server->start(where.str());
  if (port == 0) return why_not(where);
  where.port = static_cast<std::uint16_t>(port);
  server->begin(where.str());
  return std::make_unique<GrpcLinkListener>(std::move(server));
}

}  // namespace reliant::adapters

#include "adapters/grpc_temporal/grpc_temporal_server.h"

#include <grpc/support/time.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "adapters/asio/inbox.h"
#include "adapters/grpc/grpc_process.h"
#include "adapters/grpc_temporal/grpc_temporal_wire.h"
#include "base/text.h"
#include "runtime/event.h"
#include "runtime/race.h"
#include "runtime/scope.h"

namespace reliant::adapters {

namespace wf = ports::wf;

namespace {

using Message = google::protobuf::MessageLite;
using Traits = grpc::SerializationTraits<Message>;

constexpr std::size_t kLargestRequest = 4u << 20;
// What gRPC itself takes, and would refuse with RESOURCE_EXHAUSTED, which clients repeat for a long time.
constexpr int kLargestMessage = 64 << 20;
constexpr int kClientPingMs = 10'000;  // how often a client may ask whether the connection lives
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;

grpc::Status to_grpc(const Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(message_of(status)), details_of_status(status)};
}

Instant deadline_of(const grpc::CallbackServerContext& context, Instant now) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return kNever;
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return after(now, std::chrono::seconds(left.tv_sec) + std::chrono::nanoseconds(left.tv_nsec));
}

class Reactor;

// Shared by gRPC's threads and the logic thread: the calls not answered yet. The thread that takes one out answers it.
class PendingCalls {
 public:
  std::uint64_t add(Reactor& reactor) {  // 0: too late
    const std::lock_guard lock(mutex_);
    if (shut_) return 0;
    reactors_.emplace(++last_id_, &reactor);
    return last_id_;
  }
  // Stays valid until it is taken.
  Reactor* find(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = reactors_.find(id);
    return found == reactors_.end() ? nullptr : found->second;
  }
  Reactor* take(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = reactors_.find(id);
    if (found == reactors_.end()) return nullptr;
    Reactor* const reactor = found->second;
    reactors_.erase(found);
    return reactor;
  }
  std::map<std::uint64_t, Reactor*> shut() {
    const std::lock_guard lock(mutex_);
    shut_ = true;
    return std::exchange(reactors_, {});
  }

 private:
  std::mutex mutex_;
  bool shut_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Reactor*> reactors_;
};

// Called on the logic thread.
struct Listener {
  virtual ~Listener() = default;
  virtual void on_request(std::uint64_t id) = 0;
  virtual void on_cancel(std::uint64_t id) = 0;
};
// Outlives the server's threads. The listener closes the inbox before it goes.
struct Shared {
  Shared(AsioExecutor& executor, Listener& of) : inbox(Inbox::open(executor, Inbox::kNoLimit)), listener(of) {}
  PendingCalls calls;
  const std::shared_ptr<Inbox> inbox;
  Listener& listener;
};

class Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(std::shared_ptr<Shared> shared, grpc::GenericCallbackServerContext& context)
      : shared_(std::move(shared)), context_(context), id_(shared_->calls.add(*this)) {
    if (id_ == 0) {
      Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping"));
    } else {
      StartRead(&request_);
    }
  }
  const grpc::GenericCallbackServerContext& context() const { return context_; }
  grpc::ByteBuffer& request() { return request_; }
  void answer(grpc::ByteBuffer response) {
    response_.Swap(&response);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      shared_->inbox->post([&listener = shared_->listener, id = id_] { listener.on_request(id); });
    } else if (shared_->calls.take(id_) != nullptr) {
      Finish(grpc::Status(grpc::StatusCode::INTERNAL, "the call has no request"));
    }
  }
  void OnCancel() override {
    shared_->inbox->post([&listener = shared_->listener, id = id_] { listener.on_cancel(id); });
  }
  void OnDone() override { delete this; }

 private:
  std::shared_ptr<Shared> shared_;
  grpc::GenericCallbackServerContext& context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  std::uint64_t id_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new Reactor(shared_, *context);  // deletes itself
  }

 private:
  std::shared_ptr<Shared> shared_;
};

Status unknown_method(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view service = slash == std::string_view::npos || slash == 0 ? "" : path.substr(1, slash - 1);
  const std::string_view method = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
  if (service != kTemporalService) return unimplemented("unknown service ", service);
  return unimplemented("unknown method ", method, " for service ", service);
}

}  // namespace

class GrpcTemporalServer::Impl final : private Listener {
 public:
  Impl(AsioExecutor& executor, Context& context, ports::Temporal& temporal, std::vector<std::string> namespaces)
      : executor_(executor),
        temporal_(temporal),
        namespaces_(std::move(namespaces)),
        shared_(std::make_shared<Shared>(executor, static_cast<Listener&>(*this))),  // a private base
        service_(shared_),
        scope_(context) {
    fill_methods();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override {
    shared_->inbox->close();
    end_all();
    if (server_ != nullptr) server_->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));  // nothing is left that it could wait for
    if (stopper_.joinable()) stopper_.join();
  }

  Status listen(const GrpcTemporalServerOptions& options);
  std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }
  Task<void> stop(Instant deadline);

 private:
  using Handler = Task<void> (Impl::*)(std::uint64_t, grpc::ByteBuffer, Instant);

  struct Running {
    bool waits_long = false;
    Event ended;  // the caller has gone, or has been answered
  };

  void fill_methods();
  void on_request(std::uint64_t id) override;
  void on_cancel(std::uint64_t id) override;
  Task<void> run(std::uint64_t id, Task<void> call);
  // One in `race` that ends by itself.
  template <class Request, class Response, Task<Result<Response>> (ports::Temporal::*kMethod)(Request, Instant)>
  Task<void> serve(std::uint64_t id, grpc::ByteBuffer bytes, Instant deadline);
  Task<void> get_cluster_info(std::uint64_t id, grpc::ByteBuffer bytes, Instant deadline);
  Task<void> list_namespaces(std::uint64_t id, grpc::ByteBuffer bytes, Instant deadline);
  Task<void> get_search_attributes(std::uint64_t id, grpc::ByteBuffer bytes, Instant deadline);

  bool parse(std::uint64_t id, grpc::ByteBuffer& bytes, Message& request);
  void answer(std::uint64_t id, const Message& response);
  void refuse(std::uint64_t id, const Status& status);
  void end_all();

  AsioExecutor& executor_;
  ports::Temporal& temporal_;
  const std::vector<std::string> namespaces_;
  std::shared_ptr<Shared> shared_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  bool stopping_ = false;
  std::map<std::string, Handler, std::less<>> methods_;  // by path
  std::map<std::uint64_t, Running> running_;
  Event none_running_;
  Event shut_;
  std::thread stopper_;
  TaskScope scope_;
};

Status GrpcTemporalServer::Impl::listen(const GrpcTemporalServerOptions& options) {
  prepare_process_for_grpc();
  grpc::EnableDefaultHealthCheckService(true);  // grpc.health.v1.Health, of each server that is built from now on
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.SetMaxReceiveMessageSize(kLargestMessage);
  builder.SetMaxSendMessageSize(kLargestMessage);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (options.tls) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({options.tls->private_key, options.tls->certificate_chain});
    credentials = grpc::SslServerCredentials(tls);
  }
  const bool bare_v6 = options.host.find(':') != std::string::npos && !options.host.starts_with('[');
  const std::string address = concat(bare_v6 ? "[" : "", options.host, bare_v6 ? "]:" : ":", options.port);
  builder.AddListeningPort(address, credentials, &port_);
  builder.RegisterCallbackGenericService(&service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    return unavailable("cannot listen on ", address, ": the port is taken, or the address is none of this machine's; stop the ",
                       "program that listens there, or choose another port or address");
  }
  server_->GetHealthCheckService()->SetServingStatus(std::string(kTemporalService), true);
  return ok_status();
}

void GrpcTemporalServer::Impl::fill_methods() {
#define RELIANT_SERVE(name, Name)                            \
  methods_.emplace(concat("/", kTemporalService, "/" #Name), \
                   &Impl::serve<wf::Name##Request, wf::Name##Response, &ports::Temporal::name>);
  RELIANT_TEMPORAL_METHODS(RELIANT_SERVE)
#undef RELIANT_SERVE
  methods_.emplace(concat("/", kTemporalService, "/GetClusterInfo"), &Impl::get_cluster_info);
  methods_.emplace(concat("/", kTemporalService, "/ListNamespaces"), &Impl::list_namespaces);
  methods_.emplace(concat("/", kTemporalService, "/GetSearchAttributes"), &Impl::get_search_attributes);
}

// --- calls -----------------------------------------------------------------------------------------------------------

void GrpcTemporalServer::Impl::on_request(std::uint64_t id) {
  Reactor* const reactor = shared_->calls.find(id);
  if (reactor == nullptr) return;  // its caller has gone already
  if (stopping_) return refuse(id, unavailable("the server is stopping"));
  const std::string& path = reactor->context().method();
  const auto method = methods_.find(path);
  if (method == methods_.end()) return refuse(id, unknown_method(path));
  if (reactor->request().Length() > kLargestRequest) {
    return refuse(
        id, invalid_argument("the request has ", reactor->request().Length(), " bytes; ", kLargestRequest, " is the most"));
  }
  grpc::ByteBuffer bytes;
  bytes.Swap(&reactor->request());
  running_[id].waits_long = is_long_poll(std::string_view(path).substr(path.rfind('/') + 1));
  scope_.spawn(run(id, (this->*method->second)(id, bytes, deadline_of(reactor->context(), executor_.now()))));
}

void GrpcTemporalServer::Impl::on_cancel(std::uint64_t id) { refuse(id, cancelled("the caller has gone")); }

Task<void> GrpcTemporalServer::Impl::run(std::uint64_t id, Task<void> call) {
  struct Ending {
    Impl& impl;
    std::uint64_t id;
    ~Ending() {
      impl.running_.erase(id);
      if (impl.running_.empty()) impl.none_running_.set();
    }
  } const ending{*this, id};
  co_await race(std::move(call), running_.at(id).ended.wait());
}

bool GrpcTemporalServer::Impl::parse(std::uint64_t id, grpc::ByteBuffer& bytes, Message& request) {
  if (Traits::Deserialize(&bytes, &request).ok()) return true;
  refuse(id, invalid_argument("the request cannot be read: it is no ", request.GetTypeName()));
  return false;
}

void GrpcTemporalServer::Impl::answer(std::uint64_t id, const Message& response) {
  grpc::ByteBuffer bytes;
  bool own = false;
  const grpc::Status made = Traits::Serialize(response, &bytes, &own);
  Reactor* const reactor = shared_->calls.take(id);
  if (reactor == nullptr) return;
  if (made.ok()) {
    reactor->answer(bytes);
  } else {
    reactor->Finish(made);
  }
}

void GrpcTemporalServer::Impl::refuse(std::uint64_t id, const Status& status) {
  if (Reactor* const reactor = shared_->calls.take(id)) reactor->Finish(to_grpc(status));
  if (const auto found = running_.find(id); found != running_.end()) found->second.ended.set();
}

template <class Request, class Response, Task<Result<Response>> (ports::Temporal::*kMethod)(Request, Instant)>
Task<void> GrpcTemporalServer::Impl::serve(std::uint64_t id, grpc::ByteBuffer bytes, Instant deadline) {
  Request request;
  if (!parse(id, bytes, request)) co_return;
  const Result<Response> response = co_await (temporal_.*kMethod)(std::move(request), deadline);
  if (response.ok()) {
    answer(id, *response);
  } else {
    refuse(id, response.status());
  }
}

// --- what the port does not have -------------------------------------------------------------------------------------

Task<void> GrpcTemporalServer::Impl::get_cluster_info(std::uint64_t id, grpc::ByteBuffer, Instant deadline) {
  const auto system = co_await temporal_.get_system_info({}, deadline);
  if (!system.ok()) co_return refuse(id, system.status());
  wf::GetClusterInfoResponse response;
  response.set_server_version(system->server_version());
  response.set_cluster_id("reliant");
  response.set_cluster_name("active");
  response.set_history_shard_count(1);
  response.set_persistence_store("sqlite");
  response.set_visibility_store("sqlite");
  answer(id, response);
}

Task<void> GrpcTemporalServer::Impl::list_namespaces(std::uint64_t id, grpc::ByteBuffer bytes, Instant deadline) {
  wf::ListNamespacesRequest request;
  if (!parse(id, bytes, request)) co_return;
  wf::ListNamespacesResponse response;
  for (const std::string& name : namespaces_) {
    wf::DescribeNamespaceRequest describe;
    describe.set_namespace_(name);
    auto described = co_await temporal_.describe_namespace(describe, deadline);
    if (!described.ok()) co_return refuse(id, described.status());
    *response.add_namespaces() = *std::move(described);
  }
  answer(id, response);
}

// What queries of lists may name.
Task<void> GrpcTemporalServer::Impl::get_search_attributes(std::uint64_t id, grpc::ByteBuffer, Instant) {
  namespace enums = ::temporal::api::enums::v1;
  wf::GetSearchAttributesResponse response;
  auto& keys = *response.mutable_keys();
  for (const auto* const keyword : {"WorkflowId", "WorkflowType", "RunId", "TaskQueue", "ExecutionStatus"}) {
    keys[keyword] = enums::INDEXED_VALUE_TYPE_KEYWORD;
  }
  for (const auto* const time : {"StartTime", "ExecutionTime", "CloseTime"}) keys[time] = enums::INDEXED_VALUE_TYPE_DATETIME;
  answer(id, response);
  co_return;
}

// --- the end ---------------------------------------------------------------------------------------------------------

void GrpcTemporalServer::Impl::end_all() {
  for (const auto& [id, reactor] : shared_->calls.shut()) {
    reactor->Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping"));
  }
}

Task<void> GrpcTemporalServer::Impl::stop(Instant deadline) {
  if (std::exchange(stopping_, true)) co_return (void) co_await shut_.wait(deadline);
  server_->GetHealthCheckService()->Shutdown();  // it says NOT_SERVING from here on
  std::vector<std::uint64_t> polls;
  for (const auto& [id, call] : running_) {
    if (call.waits_long) polls.push_back(id);
  }
  for (const std::uint64_t id : polls) refuse(id, unavailable("the server is stopping"));
  none_running_.reset();
  if (!running_.empty()) (void)co_await none_running_.wait(deadline);
  stopper_ = std::thread([this, shared = shared_] {
    server_->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));  // cancels what is left, and waits until it has been answered
    shared->inbox->post([this] { shut_.set(); });
  });
  (void)co_await shut_.wait(deadline);
}

// --- the public class ------------------------------------------------------------------------------------------------

GrpcTemporalServer::GrpcTemporalServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcTemporalServer::~GrpcTemporalServer() = default;

Result<std::unique_ptr<GrpcTemporalServer>> GrpcTemporalServer::listen(AsioExecutor& executor, Context& context,
                                                                       ports::Temporal& temporal,
                                                                       GrpcTemporalServerOptions options) {
  auto impl = std::make_unique<Impl>(executor, context, temporal, options.namespaces);
  TRY_OK(impl->listen(options));
  return std::unique_ptr<GrpcTemporalServer>(new GrpcTemporalServer(std::move(impl)));
}

std::uint16_t GrpcTemporalServer::port() const { return impl_->port(); }

Task<void> GrpcTemporalServer::stop(Instant deadline) { return impl_->stop(deadline); }

}  // namespace reliant::adapters

#include "adapters/grpc_temporal/grpc_temporal.h"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "adapters/asio/inbox.h"
#include "adapters/grpc/grpc_process.h"
#include "adapters/grpc_temporal/grpc_temporal_wire.h"
#include "base/cause.h"
#include "base/text.h"
#include "runtime/one_shot.h"

namespace reliant::adapters {

namespace {

using Message = google::protobuf::MessageLite;
using Stub = grpc::TemplatedGenericStub<Message, Message>;

constexpr Duration kLongPollTimeout = std::chrono::seconds(70);  // servers end one after 60 s
constexpr Duration kCallTimeout = std::chrono::seconds(30);
constexpr int kLargestMessage = 64 << 20;  // the server decides; this only bounds what a broken one may do
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 15'000;
constexpr int kFirstReconnectMs = 100;
constexpr int kLongestReconnectMs = 5'000;

// One call on its way: of the coroutine that waits for it, and of gRPC until it has ended.
struct UnaryCall {
  grpc::ClientContext context;
  std::string path;
  OneShot<grpc::Status> ended;  // the logic thread's
};

// The calls that gRPC has, and the way back from its threads to the logic thread. A call holds its channel, and the thread
// that destroys the process's last channel joins gRPC's threads: so gRPC has no share in a call, only its number.
class CallsInFlight {
 public:
  explicit CallsInFlight(AsioExecutor& executor) : inbox_(Inbox::open(executor, Inbox::kNoLimit)) {}
  CallsInFlight(const CallsInFlight&) = delete;
  CallsInFlight& operator=(const CallsInFlight&) = delete;
  // Waits for calls whose callers have gone: all of them are cancelled.
  ~CallsInFlight() {
    inbox_->close();
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return under_way_ == 0; });
  }
  std::uint64_t begin(std::shared_ptr<UnaryCall> call) {
    calls_.emplace(++last_, std::move(call));
    const std::lock_guard lock(mutex_);
    ++under_way_;
    return last_;
  }
  // On any thread.
  void end(std::uint64_t number, grpc::Status status) {
    inbox_->post([this, number, status = std::move(status)]() mutable {
      calls_.extract(number).mapped()->ended.set(std::move(status));
    });
    const std::lock_guard lock(mutex_);
    if (--under_way_ == 0) all_ended_.notify_all();  // under the lock: the destructor may then go on
  }

 private:
  const std::shared_ptr<Inbox> inbox_;
  std::map<std::uint64_t, std::shared_ptr<UnaryCall>> calls_;  // of the logic thread
  std::uint64_t last_ = 0;
  std::mutex mutex_;
  std::condition_variable all_ended_;
  std::size_t under_way_ = 0;
};

template <class Request, class Response>
struct CallOf final : UnaryCall {
  explicit CallOf(Request&& what) : request(std::move(what)) {}
  Request request;
  Response response;
};

// Its caller was destroyed: the answer is discarded.
class Abandoning {
 public:
  explicit Abandoning(UnaryCall& call) : call_(call) {}
  Abandoning(const Abandoning&) = delete;
  Abandoning& operator=(const Abandoning&) = delete;
  ~Abandoning() {
    if (!call_.ended.is_set()) call_.context.TryCancel();
  }

 private:
  UnaryCall& call_;
};

grpc::ChannelArguments channel_arguments(const GrpcTemporalOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  arguments.SetMaxReceiveMessageSize(kLargestMessage);
  arguments.SetMaxSendMessageSize(kLargestMessage);
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return arguments;
}

Status check(const GrpcTemporalOptions& options) {
  if (options.host.empty()) return invalid_field("host", "the host of the Temporal server is missing; give its name");
  if (options.host.find_first_of(" /\t\r\n") != std::string::npos) {
    return invalid_field("host", concat("\"", options.host, "\" is not a host; give a name or an address, without a scheme"));
  }
  if (options.port == 0) return invalid_field("port", "0 is not the port of a Temporal server; it is 7233 by default");
  if (!options.tls && !options.api_key.empty()) {
    return invalid_field("api_key", "an API key is sent over TLS only; switch TLS on, or leave the key out");
  }
  if (options.client_certificate.empty() != options.client_key.empty()) {
    return invalid_field(options.client_key.empty() ? "client_key" : "client_certificate",
                         "a client certificate and its key go together; give both, or none");
  }
  return ok_status();
}

std::shared_ptr<grpc::ChannelCredentials> credentials_of(const GrpcTemporalOptions& options) {
  if (!options.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = options.ca_certificates;
  tls.pem_cert_chain = options.client_certificate;
  tls.pem_private_key = options.client_key;
  return grpc::SslCredentials(tls);
}

std::string target_of(const GrpcTemporalOptions& options) {
  const bool bare_v6 = options.host.find(':') != std::string::npos && !options.host.starts_with('[');
  return bare_v6 ? concat("[", options.host, "]:", options.port) : concat(options.host, ":", options.port);
}

template <class Request>
std::string namespace_of(const Request& request) {
  if constexpr (requires { request.namespace_(); }) {
    return request.namespace_();
  } else {
    return {};
  }
}

}  // namespace

class GrpcTemporal::Impl {
 public:
  Impl(AsioExecutor& executor, const GrpcTemporalOptions& options)
      : executor_(executor),
        authorization_(options.api_key.empty() ? "" : concat("Bearer ", options.api_key)),
        client_version_(options.client_version),
        stub_(grpc::CreateCustomChannel(target_of(options), credentials_of(options), channel_arguments(options))),
        calls_(executor) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  template <class Request, class Response>
  Task<Result<Response>> call(std::string_view method, Request request, Instant deadline) {
    const bool long_poll = is_long_poll(method);
    auto call = std::make_shared<CallOf<Request, Response>>(std::move(request));
    call->path = concat("/", kTemporalService, "/", method);
    prepare(*call, namespace_of(call->request),
            std::min(deadline, after(executor_.now(), long_poll ? kLongPollTimeout : kCallTimeout)));
    const Abandoning abandoning(*call);
    const std::uint64_t number = calls_.begin(call);
    stub_.UnaryCall(&call->context, call->path, grpc::StubOptions(), &call->request, &call->response,
                    [this, number](grpc::Status status) { calls_.end(number, std::move(status)); });
    const auto ended = co_await call->ended.wait();
    if (ended->ok()) co_return std::move(call->response);
    if (long_poll && ended->error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) co_return Response();
    co_return error_of(*ended);
  }

 private:
  void prepare(UnaryCall& call, const std::string& ns, Instant deadline) const {
    const auto left = std::max(Duration::zero(), deadline - executor_.now());
    call.context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left.count(), GPR_TIMESPAN)));
    call.context.AddMetadata("client-name", "reliant");
    call.context.AddMetadata("client-version", client_version_);
    if (!ns.empty()) call.context.AddMetadata("temporal-namespace", ns);
    if (!authorization_.empty()) call.context.AddMetadata("authorization", authorization_);
  }

  static Status error_of(const grpc::Status& status) {
    // A call cancelled on this side has no waiting caller: so the connection or the server cancelled this one.
    const bool cancelled = status.error_code() == grpc::StatusCode::CANCELLED;
    const auto code = cancelled ? grpc::StatusCode::UNAVAILABLE : status.error_code();
    // What the server says about a call is about the call. What gRPC says names addresses.
    if (code == grpc::StatusCode::UNAVAILABLE)
      return with_cause(unavailable("Temporal cannot be reached"), status.error_message());
    return status_of_wire(code, status.error_message(), status.error_details());
  }

  AsioExecutor& executor_;
  std::string authorization_;
  std::string client_version_;
  Stub stub_;
  CallsInFlight calls_;  // goes first
};

GrpcTemporal::GrpcTemporal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcTemporal::~GrpcTemporal() = default;

Result<std::unique_ptr<GrpcTemporal>> GrpcTemporal::open(AsioExecutor& executor, GrpcTemporalOptions options) {
  TRY_OK(check(options));
  prepare_process_for_grpc();
  return std::unique_ptr<GrpcTemporal>(new GrpcTemporal(std::make_unique<Impl>(executor, options)));
}

#define RELIANT_GRPC_METHOD(name, Name)                                                                            \
  Task<Result<ports::wf::Name##Response>> GrpcTemporal::name(ports::wf::Name##Request request, Instant deadline) { \
    return impl_->call<ports::wf::Name##Request, ports::wf::Name##Response>(#Name, std::move(request), deadline);  \
  }
RELIANT_TEMPORAL_METHODS(RELIANT_GRPC_METHOD)
#undef RELIANT_GRPC_METHOD

}  // namespace reliant::adapters

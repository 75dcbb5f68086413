#include "adapters/grpc_temporal/grpc_temporal.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <temporal/api/errordetails/v1/message.pb.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "adapters/grpc_temporal/grpc_temporal_server.h"
#include "adapters/grpc_temporal/grpc_temporal_wire.h"
#include "adapters/tls/self_signed.h"
#include "base/text.h"
#include "runtime/event.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "support/server_process.h"
#include "support/started.h"
#include "support/temporal_server.h"

namespace reliant::adapters {
namespace {

using namespace std::chrono_literals;
namespace wf = ports::wf;

// Polls and queries wait until the test releases them; other calls but GetSystemInfo answer UNIMPLEMENTED, as an older server does.
class WaitingTemporal final : public ports::Temporal {
 public:
#define RELIANT_TEST_METHOD(name, Name)                                                \
  Task<Result<wf::Name##Response>> name(wf::Name##Request request, Instant) override { \
    return answer<wf::Name##Response>(std::move(request));                             \
  }
  RELIANT_TEMPORAL_METHODS(RELIANT_TEST_METHOD)
#undef RELIANT_TEST_METHOD

  int waiting = 0;
  Event let_go;

 private:
  template <class Response, class Request>
  Task<Result<Response>> answer(Request) {
    if constexpr (std::is_same_v<Request, wf::PollActivityTaskQueueRequest> ||
                  std::is_same_v<Request, wf::QueryWorkflowRequest>) {
      struct Count {
        int& count;
        explicit Count(int& what) : count(what) { ++count; }
        ~Count() { --count; }
      } const counted(waiting);
      (void)co_await let_go.wait();
      co_return Response();
    } else if constexpr (std::is_same_v<Request, wf::GetSystemInfoRequest>) {
      Response response;
      response.set_server_version("7");
      co_return response;
    } else {
      // gRPC's status 12, as of a server that is older than its client
      co_return unimplemented("this server has no such call");
    }
  }
};

using Metadata = std::multimap<std::string, std::string>;

// A server that knows nothing of ours: bare gRPC, which keeps the metadata of each call and answers with an empty message.
class BareServer {
 public:
  explicit BareServer(const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;
  ~BareServer() { server_->Shutdown(); }

  std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }
  std::vector<Metadata> calls() {
    const std::lock_guard lock(service_.mutex);
    return service_.calls;
  }

 private:
  struct Answer final : grpc::ServerGenericBidiReactor {
    Answer() { StartWriteAndFinish(&empty, grpc::WriteOptions(), grpc::Status::OK); }
    void OnDone() override { delete this; }
    const grpc::Slice nothing;
    grpc::ByteBuffer empty{&nothing, 1};
  };
  struct Service final : grpc::CallbackGenericService {
    grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
      Metadata metadata;
      for (const auto& [name, value] : context->client_metadata())
        metadata.emplace(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
      const std::lock_guard lock(mutex);
      calls.push_back(std::move(metadata));
      return new Answer;  // deletes itself
    }
    std::mutex mutex;
    std::vector<Metadata> calls;
  };

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

grpc::SslServerCredentialsOptions shown(const TlsCredentials& own) {
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({own.private_key, own.certificate_chain});
  return tls;
}

TlsCredentials self_signed() {
  auto made = make_self_signed(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1));
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

// Of a client (ours are for servers only, and say so), which is its own authority.
TlsCredentials client_credentials() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("worker"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key.get());
  EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const auto text = [](const auto& write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    EXPECT_EQ(write(out.get()), 1);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
  };
  return {text([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }),
          text([&](BIO* out) { return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

// As any health checker asks: the request is {service = 1}, the answer {status = 1}; SERVING is 1,
// NOT_SERVING 2.
std::string health_of(std::uint16_t port, const std::string& service) {
  const std::string field = concat('\x0a', static_cast<char>(service.size()), service);
  const grpc::Slice slice(service.empty() ? "" : field);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  const auto channel = grpc::CreateChannel(concat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(channel);
  grpc::ClientContext context;
  std::promise<grpc::Status> answered;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&](grpc::Status status) { answered.set_value(std::move(status)); });
  const grpc::Status status = answered.get_future().get();
  if (!status.ok()) return concat("error ", static_cast<int>(status.error_code()));
  grpc::Slice answer;
  EXPECT_TRUE(response.DumpToSingleSlice(&answer).ok());
  const std::string_view bytes(reinterpret_cast<const char*>(answer.begin()), answer.size());
  return bytes == "\x08\x01" ? "SERVING" : bytes == "\x08\x02" ? "NOT_SERVING" : std::string(bytes);
}

class GrpcTemporalTest : public ::testing::Test {
 protected:
  void serve(std::optional<TlsCredentials> tls = std::nullopt) {
    GrpcTemporalServerOptions options;
    options.tls = std::move(tls);
    auto server = GrpcTemporalServer::listen(executor_, scope_.context(), behind_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    options_.host = "127.0.0.1";
    options_.port = server_->port();
  }
  void connect() {
    auto client = GrpcTemporal::open(executor_, options_);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  template <class T>
  std::unique_ptr<tests::Started<T>> start(Task<T> task) {
    return std::make_unique<tests::Started<T>>(scope_.context(), std::move(task));
  }
  template <class T>
  T get(Task<T> task) {
    auto started = start(std::move(task));
    EXPECT_TRUE(run_until([&] { return started->ended(); }));
    return started->take();
  }
  bool run_until(const std::function<bool()>& done) { return executor_.run_loop_until(done, 30s); }
  void connect_to(const BareServer& server) {
    options_.host = "127.0.0.1";
    options_.port = server.port();
    connect();
  }
  Result<wf::GetSystemInfoResponse> ask(Duration timeout = 10s) {
    return get(client_->get_system_info({}, after(executor_.now(), timeout)));
  }
  void wait_ready() {
    const Instant limit = after(executor_.now(), 20s);
    while (!ask(1s).ok()) {
      ASSERT_LT(executor_.now(), limit);
      EXPECT_TRUE(get(pass(20ms)));
    }
  }
  Task<Result<wf::PollActivityTaskQueueResponse>> poll() {
    return client_->poll_activity_task_queue({}, after(executor_.now(), 60s));
  }
  static Task<bool> pass(Duration time) {
    co_await sleep_for(time);
    co_return true;
  }
  static Task<bool> stop(GrpcTemporalServer& server, Instant deadline) {
    co_await server.stop(deadline);
    co_return true;
  }

  AsioExecutor executor_;
  WaitingTemporal behind_;
  TaskScope scope_{executor_, 0};
  std::unique_ptr<GrpcTemporalServer> server_;
  GrpcTemporalOptions options_;
  std::unique_ptr<GrpcTemporal> client_;
};

TEST_F(GrpcTemporalTest, NamesAnInvalidOption) {
  const auto field = [&](auto change) {
    GrpcTemporalOptions options;
    change(options);
    return field_of(GrpcTemporal::open(executor_, options).status());
  };
  EXPECT_EQ(field([](auto& options) { options.host = "http://cluster"; }), "host");
  EXPECT_EQ(field([](auto& options) { options.port = 0; }), "port");
  EXPECT_EQ(field([](auto& options) { options.api_key = "secret"; }), "api_key") << "never in plain text";
  EXPECT_EQ(field([](auto& options) { options.client_key = "key"; }), "client_certificate");
}

TEST_F(GrpcTemporalTest, ReportsARefusedConnection) {
  options_.host = "127.0.0.1";
  options_.port = static_cast<std::uint16_t>(tests::free_port());
  connect();
  EXPECT_EQ(ask().status().code(), StatusCode::kUnavailable);
}

TEST_F(GrpcTemporalTest, CarriesAnswersAndErrors) {
  serve();
  connect();
  const auto info = ask();
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->server_version(), "7");
  const auto refused = get(client_->describe_namespace({}, after(executor_.now(), 10s)));
  EXPECT_EQ(refused.status().code(), StatusCode::kUnimplemented);
  EXPECT_EQ(message_of(refused.status()), "this server has no such call");
}

TEST_F(GrpcTemporalTest, CarriesDetailsAndTheReasonThatTheyGive) {
  ::temporal::api::errordetails::v1::NamespaceNotFoundFailure detail;
  detail.set_namespace_("nowhere");
  const std::string bytes = detail.SerializeAsString();
  Status status = not_found("Namespace nowhere is not found.");
  status.SetPayload("type.googleapis.com/temporal.api.errordetails.v1.NamespaceNotFoundFailure",
                    absl::Cord(absl::string_view(bytes)));
  status = with_field(std::move(status), "namespace");
  const Status back = status_of_wire(5, message_of(status), details_of_status(status));
  EXPECT_EQ(back.code(), StatusCode::kNotFound);
  EXPECT_EQ(reason_of(back), "NAMESPACE_NOT_FOUND");
  EXPECT_EQ(field_of(back), "") << "our own annotations stay here";
  EXPECT_EQ(details_of_status(unavailable("x")), "");
  EXPECT_NE(details_of_status(not_found("x")), "") << "a real server never sends it bare";
  EXPECT_EQ(status_of_wire(99, "x", "no status at all").code(), StatusCode::kUnknown);
}

TEST_F(GrpcTemporalTest, SpeaksTlsToAServerThatItTrustsOnly) {
  const auto own = make_self_signed(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1));
  const auto other = make_self_signed(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1));
  ASSERT_TRUE(own.ok() && other.ok());
  serve(*own);
  options_.tls = true;
  options_.api_key = "secret";
  options_.ca_certificates = own->certificate_chain;
  connect();
  EXPECT_TRUE(ask().ok());
  options_.ca_certificates = other->certificate_chain;
  connect();
  EXPECT_EQ(ask().status().code(), StatusCode::kUnavailable);
}

TEST_F(GrpcTemporalTest, SendsIdentityAndNamespaceWithEveryCall) {
  const TlsCredentials own = self_signed();
  BareServer server(grpc::SslServerCredentials(shown(own)));
  options_.tls = true;
  options_.ca_certificates = own.certificate_chain;
  options_.client_version = "1.2.3";
  const auto call = [&]() -> Metadata {
    connect_to(server);
    wf::DescribeNamespaceRequest request;
    request.set_namespace_("orders");
    EXPECT_TRUE(get(client_->describe_namespace(request, after(executor_.now(), 10s))).ok());
    const auto calls = server.calls();
    return calls.empty() ? Metadata() : calls.back();
  };
  const auto all = [](const Metadata& metadata, const std::string& name) {
    std::vector<std::string> values;
    for (auto [at, end] = metadata.equal_range(name); at != end; ++at) values.push_back(at->second);
    return values;
  };
  using Values = std::vector<std::string>;
  options_.api_key = "s3cret";
  const Metadata with_key = call();
  EXPECT_EQ(all(with_key, "authorization"), Values{"Bearer s3cret"});
  EXPECT_EQ(all(with_key, "temporal-namespace"), Values{"orders"});
  EXPECT_EQ(all(with_key, "client-name"), Values{"reliant"});
  EXPECT_EQ(all(with_key, "client-version"), Values{"1.2.3"});
  EXPECT_TRUE(ask().ok());
  EXPECT_EQ(all(server.calls().back(), "authorization"), Values{"Bearer s3cret"});
  EXPECT_EQ(all(server.calls().back(), "temporal-namespace"), Values{}) << "the call is of no namespace";
  options_.api_key = "";
  EXPECT_EQ(all(call(), "authorization"), Values{});
}

TEST_F(GrpcTemporalTest, ShowsItsCertificateToAServerThatWantsOne) {
  const TlsCredentials own = self_signed();
  const TlsCredentials ours = client_credentials();
  const TlsCredentials strangers = client_credentials();
  auto tls = shown(own);
  tls.pem_root_certs = ours.certificate_chain;
  tls.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  BareServer server(grpc::SslServerCredentials(tls));
  options_.tls = true;
  options_.ca_certificates = own.certificate_chain;
  const auto code = [&](const TlsCredentials& shows) {
    options_.client_certificate = shows.certificate_chain;
    options_.client_key = shows.private_key;
    connect_to(server);
    return ask().status().code();
  };
  EXPECT_EQ(code({}), StatusCode::kUnavailable);
  EXPECT_EQ(code(strangers), StatusCode::kUnavailable);
  EXPECT_TRUE(server.calls().empty());
  EXPECT_EQ(code(ours), StatusCode::kOk);
  EXPECT_EQ(server.calls().size(), 1u);
}

TEST_F(GrpcTemporalTest, CancelsACallWhoseCallerIsGone) {
  serve();
  connect();
  auto polled = start(poll());
  ASSERT_TRUE(run_until([&] { return behind_.waiting == 1; }));
  polled.reset();
  EXPECT_TRUE(run_until([&] { return behind_.waiting == 0; })) << "a poll without a caller must not take a task";
}

TEST_F(GrpcTemporalTest, CancelsACallAtItsDeadline) {
  serve();
  connect();
  const auto late = get(client_->poll_activity_task_queue({}, after(executor_.now(), 200ms)));
  ASSERT_TRUE(late.ok()) << "a long poll that ends is no error";
  EXPECT_EQ(late->ByteSizeLong(), 0u);
  EXPECT_TRUE(run_until([&] { return behind_.waiting == 0; }));
}

TEST_F(GrpcTemporalTest, StopsWithPollsOpenAndLeavesNothingBehind) {
  serve();
  connect();
  auto polled = start(poll());
  ASSERT_TRUE(run_until([&] { return behind_.waiting == 1; }));
  const Instant before = executor_.now();
  EXPECT_TRUE(get(stop(*server_, after(executor_.now(), 10s))));
  EXPECT_LT(executor_.now() - before, 5s);
  ASSERT_TRUE(run_until([&] { return polled->ended(); }));
  EXPECT_EQ(polled->take().status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(behind_.waiting, 0);
}

TEST_F(GrpcTemporalTest, ReportsItsHealth) {
  serve();
  connect();
  EXPECT_EQ(health_of(server_->port(), ""), "SERVING");
  EXPECT_EQ(health_of(server_->port(), std::string(kTemporalService)), "SERVING");
  EXPECT_EQ(health_of(server_->port(), "elsewhere"), "error 5") << "NOT_FOUND";
  auto query = start(client_->query_workflow({}, after(executor_.now(), 60s)));
  ASSERT_TRUE(run_until([&] { return behind_.waiting == 1; }));
  auto stopped = start(stop(*server_, after(executor_.now(), 30s)));  // waits for the query
  EXPECT_TRUE(get(pass(1ms)));
  EXPECT_EQ(health_of(server_->port(), ""), "NOT_SERVING");
  EXPECT_EQ(health_of(server_->port(), std::string(kTemporalService)), "NOT_SERVING");
  behind_.let_go.set();
  ASSERT_TRUE(run_until([&] { return stopped->ended() && query->ended(); }));
  EXPECT_TRUE(query->take().ok());
}

TEST_F(GrpcTemporalTest, IsDestroyedWithCallsUnderWay) {
  serve();
  connect();
  auto polled = start(poll());
  ASSERT_TRUE(run_until([&] { return behind_.waiting == 1; }));
  server_.reset();
  ASSERT_TRUE(run_until([&] { return polled->ended(); }));
  EXPECT_EQ(polled->take().status().code(), StatusCode::kUnavailable);
}

TEST_F(GrpcTemporalTest, RefusesAPortThatIsTaken) {
  serve();
  GrpcTemporalServerOptions again;
  again.port = server_->port();
  EXPECT_EQ(GrpcTemporalServer::listen(executor_, scope_.context(), behind_, again).status().code(), StatusCode::kUnavailable);
}

TEST_F(GrpcTemporalTest, ReconnectsByItself) {
  serve();
  connect();
  EXPECT_TRUE(ask().ok());
  server_.reset();
  EXPECT_EQ(ask().status().code(), StatusCode::kUnavailable);
  GrpcTemporalServerOptions again;
  again.port = options_.port;
  auto server = GrpcTemporalServer::listen(executor_, scope_.context(), behind_, again);
  ASSERT_TRUE(server.ok()) << server.status();
  const Instant began = executor_.now();
  wait_ready();
  EXPECT_LT(executor_.now() - began, 6s);
}

TEST_F(GrpcTemporalTest, UsesNoProxyOfTheEnvironment) {
  ASSERT_EQ(::setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
  serve();
  connect();
  EXPECT_TRUE(ask().ok());
  ::unsetenv("http_proxy");
}

// A server that hangs: its callers fail at their deadline, and everything else goes on.
TEST_F(GrpcTemporalTest, ExecutorKeepsRunningWhileTheServerHangs) {
  tests::TemporalServer real;
  options_.host = "127.0.0.1";
  options_.port = static_cast<std::uint16_t>(real.port());
  connect();
  wait_ready();
  real.freeze();
  auto call = start(client_->get_system_info({}, after(executor_.now(), 2s)));
  int ticks = 0;
  for (; !call->ended() && ticks < 10'000; ++ticks) {
    const Instant before = executor_.now();
    EXPECT_TRUE(get(pass(10ms)));
    EXPECT_LT(executor_.now() - before, 1s);
  }
  EXPECT_GT(ticks, 50);
  EXPECT_EQ(call->take().status().code(), StatusCode::kDeadlineExceeded);
  real.thaw();
  wait_ready();
}

}  // namespace
}  // namespace reliant::adapters

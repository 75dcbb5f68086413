// What only a client that does TLS badly, or not at all, can show of BeastHttpServer; the rest is in tests/contract.
#include "adapters/beast/beast_http_server.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include <openssl/ssl.h>

#include "base/url.h"
#include "contract/http/http_client_contract_beast.h"
#include "contract/http/http_client_contract_service.h"

namespace reliant::tests {
namespace {

class Socket {
 public:
  explicit Socket(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const HostPort where = *parse_host_port(address);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(where.port);
    ::inet_pton(AF_INET, where.host.c_str(), &to.sin_addr);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }

  int fd() const { return fd_; }
  void send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // Reads, and throws away, what has come.
  bool closed() {
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) return false;
      if (got <= 0) return true;
    }
  }

 private:
  int fd_;
};

// OpenSSL's own client, step by step, while the server's loop runs.
class TlsClient {
 public:
  TlsClient(const std::string& address, int newest)
      : socket_(address), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), newest);
    SSL_CTX_set_security_level(context_.get(), 0);
    ssl_.reset(SSL_new(context_.get()));
    timeval briefly{.tv_sec = 0, .tv_usec = 1000};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &briefly, sizeof briefly);
    SSL_set_fd(ssl_.get(), socket_.fd());
  }

  // True when it has come to its end.
  bool shake() { return ended(SSL_connect(ssl_.get())); }
  bool shaken() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  std::string cipher() const { return SSL_get_cipher_name(ssl_.get()); }
  void send(std::string_view bytes) {
    EXPECT_EQ(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())), static_cast<int>(bytes.size()));
  }
  // True at the end: by a goodbye, or by a connection that broke.
  bool read() {
    char buffer[4096];
    const int got = SSL_read(ssl_.get(), buffer, sizeof buffer);
    if (got > 0) got_.append(buffer, static_cast<std::size_t>(got));
    return got <= 0 && ended(got);
  }
  bool goodbye_said() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  const std::string& got() const { return got_; }

 private:
  bool ended(int result) const {
    const int error = SSL_get_error(ssl_.get(), result);
    return error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
  }

  Socket socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::string got_;
};

class MemoryLog final : public EventLog {
 public:
  void record(Level level, std::string_view name, std::initializer_list<Field> fields) override {
    std::string line = concat(level_name(level), ' ', name);
    for (const Field& field : fields) {
      if (const auto* text = std::get_if<std::string_view>(&field.value)) append(line, concat(' ', *text));
    }
    lines.push_back(std::move(line));
  }
  std::vector<std::string> lines;
};

class BeastHttpServerTlsTest : public HttpClientContractBase<BeastTlsWorld> {
 protected:
  BeastHttpServerTlsTest() { scope_.spawn(tick()); }
  void listen_with_log(ports::HttpServerLimits limits = {}) {
    auto listener = server_.listen("127.0.0.1:0", service_, limits);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  // Without a word above debug, and without an effect on others.
  void expect_quiet(std::string_view why) {
    ASSERT_EQ(log_.lines.size(), 1u);
    EXPECT_TRUE(log_.lines[0].starts_with("debug http_server.handshake.failed 127.0.0.1:")) << log_.lines[0];
    EXPECT_NE(log_.lines[0].find(why), std::string::npos) << log_.lines[0];
    EXPECT_EQ(ask("/status?code=200")->body, "told so");
    EXPECT_EQ(service_.calls(), 1);
  }

  MemoryLog log_;
  adapters::BeastHttpServer server_{world_.asio_executor(), log_, world_.certificate().credentials()};

 private:
  // The clients poll: something has to happen for the loop to look.
  static Task<void> tick() {
    for (;;) co_await sleep_for(std::chrono::milliseconds(1));
  }
  TaskScope scope_{world_.executor(), 0};
};

TEST_F(BeastHttpServerTlsTest, DropsAClientThatSpeaksPlainHttp) {
  listen_with_log();
  Socket client(listener_->address());
  client.send("GET /echo HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_TRUE(world_.run_until([&] { return client.closed(); }));
  expect_quiet("http request");
}

TEST_F(BeastHttpServerTlsTest, DropsAClientThatSendsGarbage) {
  listen_with_log();
  Socket client(listener_->address());
  client.send(std::string(100'000, '\x16'));
  EXPECT_TRUE(world_.run_until([&] { return client.closed(); }));
  expect_quiet("");
}

TEST_F(BeastHttpServerTlsTest, DropsAClientThatLeavesDuringTheHandshake) {
  listen_with_log();
  std::make_unique<Socket>(listener_->address())->send("\x16\x03\x01");
  EXPECT_TRUE(world_.run_until([&] { return !log_.lines.empty(); }));
  expect_quiet("");
}

TEST_F(BeastHttpServerTlsTest, HandshakeTimesOut) {
  ports::HttpServerLimits limits;
  limits.idle_timeout = std::chrono::milliseconds(200);
  listen_with_log(limits);
  Socket client(listener_->address());
  client.send("\x16\x03\x01");
  EXPECT_EQ(ask("/status?code=204")->status, 204) << "other clients are served during the handshake";
  EXPECT_TRUE(world_.run_until([&] { return client.closed(); }));
  ASSERT_EQ(log_.lines.size(), 1u);
  EXPECT_NE(log_.lines[0].find("did not come in time"), std::string::npos) << log_.lines[0];
}

TEST_F(BeastHttpServerTlsTest, SpeaksTls12And13AndNothingOlder) {
  listen_with_log();
  TlsClient newest(listener_->address(), TLS1_3_VERSION);
  EXPECT_TRUE(world_.run_until([&] { return newest.shake(); }));
  EXPECT_EQ(newest.version(), "TLSv1.3");
  TlsClient older(listener_->address(), TLS1_2_VERSION);
  EXPECT_TRUE(world_.run_until([&] { return older.shake(); }));
  EXPECT_EQ(older.version(), "TLSv1.2");
  EXPECT_TRUE(older.cipher().starts_with("ECDHE-ECDSA-")) << older.cipher();
  EXPECT_TRUE(log_.lines.empty());
  TlsClient oldest(listener_->address(), TLS1_1_VERSION);
  EXPECT_TRUE(world_.run_until([&] { return oldest.shake(); }));
  EXPECT_FALSE(oldest.shaken());
  EXPECT_TRUE(world_.run_until([&] { return !log_.lines.empty(); }));
  expect_quiet("protocol");
}

TEST_F(BeastHttpServerTlsTest, AnswersPipelinedRequestsThenSendsCloseNotify) {
  listen_with_log();
  TlsClient client(listener_->address(), TLS1_3_VERSION);
  ASSERT_TRUE(world_.run_until([&] { return client.shake(); }));
  client.send("GET /status?code=200 HTTP/1.1\r\nhost: x\r\n\r\nGET /status?code=404 HTTP/1.1\r\nhost: x\r\n\r\n");
  client.send("GET /three HTTP/1.0\r\n\r\n");  // which ends with the connection
  EXPECT_TRUE(world_.run_until([&] { return client.read(); }));
  EXPECT_LT(client.got().find("200 OK"), client.got().find("404 Not Found"));
  EXPECT_TRUE(client.got().ends_with("\r\n\r\none,two,three")) << client.got();
  EXPECT_TRUE(client.goodbye_said());
}

TEST_F(BeastHttpServerTlsTest, SendsCloseNotifyAfterARefusal) {
  listen_with_log();
  TlsClient client(listener_->address(), TLS1_2_VERSION);
  ASSERT_TRUE(world_.run_until([&] { return client.shake(); }));
  client.send("hello\r\n\r\n");
  EXPECT_TRUE(world_.run_until([&] { return client.read(); }));
  EXPECT_TRUE(client.got().starts_with("HTTP/1.1 400 ")) << client.got();
  EXPECT_TRUE(client.goodbye_said());
}

TEST_F(BeastHttpServerTlsTest, DrainSendsCloseNotifyToIdleClients) {
  listen_with_log();
  TlsClient idle(listener_->address(), TLS1_3_VERSION);
  ASSERT_TRUE(world_.run_until([&] { return idle.shake(); }));
  const Socket shaking(listener_->address());
  pass_time(std::chrono::milliseconds(20));
  const Instant before = world_.executor().now();
  EXPECT_TRUE(get(drained(*listener_, in(kLong))));
  EXPECT_LT(world_.executor().now() - before, std::chrono::seconds(5)) << "it does not wait for a handshake";
  EXPECT_TRUE(world_.run_until([&] { return idle.read(); }));
  EXPECT_TRUE(idle.goodbye_said());
}

TEST_F(BeastHttpServerTlsTest, DoesNotListenWithUnusableCredentials) {
  const auto& good = world_.certificate().credentials();
  const auto other = adapters::make_self_signed(WallTime());
  for (const adapters::TlsCredentials& bad :
       {adapters::TlsCredentials{"", good.private_key}, adapters::TlsCredentials{good.certificate_chain, "nonsense"},
        adapters::TlsCredentials{good.certificate_chain, other->private_key}}) {
    adapters::BeastHttpServer server(world_.asio_executor(), log_, bad);
    const Status status = server.listen("127.0.0.1:0", service_, {}).status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status;
  }
}

}  // namespace
}  // namespace reliant::tests

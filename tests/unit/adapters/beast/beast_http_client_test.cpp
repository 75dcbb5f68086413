// What only a server that says exactly these bytes, or speaks TLS, can show of BeastHttpClient; the rest is in
// tests/contract/http_client_contract.h.
#include "adapters/beast/beast_http_client.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "contract/http/http_client_contract_beast.h"
#include "contract/http/http_client_contract_service.h"

namespace reliant::tests {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A certificate signed by its own key, for one host name, in files.
class Certificate {
 public:
  explicit Certificate(const std::string& host) {
    RELIANT_ASSERT(::mkdtemp(folder_.data()) != nullptr, "the folder for temporary files is writable");
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    const auto* text = reinterpret_cast<const unsigned char*>(host.c_str());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + host).c_str());
    X509_add_ext(certificate, names, -1);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* out = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
    out = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate() {
    std::remove(certificate_file().c_str());
    std::remove(key_file().c_str());
    std::remove(folder_.c_str());
  }
  std::string certificate_file() const { return folder_ + "/certificate.pem"; }
  std::string key_file() const { return folder_ + "/key.pem"; }

 private:
  std::string folder_ = "/tmp/reliant-tls-XXXXXX";
};

// Takes one connection on a thread of its own, reads one request, answers with the given bytes and closes.
class CannedServer {
 public:
  explicit CannedServer(std::string answer, const Certificate* certificate = nullptr)
      : thread_([this, said = std::move(answer), certificate] { serve(said, certificate); }) {}
  CannedServer(const CannedServer&) = delete;
  CannedServer& operator=(const CannedServer&) = delete;
  ~CannedServer() { thread_.join(); }

  std::uint16_t port() const { return port_; }
  const std::string& request() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return request_;
  }

 private:
  template <class Stream>
  void talk(Stream& stream, const std::string& answer) {
    boost::system::error_code ignored;
    asio::read_until(stream, asio::dynamic_buffer(request_), "\r\n\r\n", ignored);
    asio::write(stream, asio::buffer(answer), ignored);
  }
  void serve(const std::string& answer, const Certificate* certificate) {
    boost::system::error_code ignored;
    tcp::socket socket(io_);
    acceptor_.accept(socket, ignored);
    if (certificate == nullptr) return talk(socket, answer);
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.use_certificate_file(certificate->certificate_file(), asio::ssl::context::pem);
    context.use_private_key_file(certificate->key_file(), asio::ssl::context::pem);
    asio::ssl::stream<tcp::socket> stream(std::move(socket), context);
    stream.handshake(asio::ssl::stream_base::server, ignored);
    if (!ignored) talk(stream, answer);
  }

  asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::uint16_t port_ = acceptor_.local_endpoint().port();
  std::string request_;
  std::thread thread_;
};

class BeastHttpClientTest : public HttpClientContractBase<BeastWorld> {
 protected:
  Result<Answer> ask(const CannedServer& server, std::string method = "GET") {
    ports::HttpRequest request = get_request(concat("http://127.0.0.1:", server.port(), "/a?b=c"));
    request.method = std::move(method);
    return get(fetch(world_.http(), std::move(request), in(kLong)));
  }
  Result<Answer> ask_securely(const CannedServer& server, std::string ca_file) {
    adapters::BeastHttpClient http(world_.asio_executor(), std::move(ca_file));
    return get(fetch(http, get_request(concat("https://localhost:", server.port(), "/")), in(kLong)));
  }
};

TEST_F(BeastHttpClientTest, SendsARequestThatIsComplete) {
  CannedServer server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  EXPECT_EQ(ask(server)->body, "ok");
  const std::string request = server.request();
  EXPECT_TRUE(request.starts_with("GET /a?b=c HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find(concat("host: 127.0.0.1:", server.port(), "\r\n")), std::string::npos) << request;
}

TEST_F(BeastHttpClientTest, ReadsEveryKindOfBody) {
  for (const char* answer : {"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody",
                             "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=y\r\nb\r\n3\r\nody\r\n0\r\nt: 1\r\n\r\n",
                             "HTTP/1.1 200 OK\r\n\r\nbody", "HTTP/1.0 200 OK\r\n\r\nbody",
                             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\na: b\r\n\r\n"
                             "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"}) {
    const CannedServer server(answer);
    const auto got = ask(server);
    ASSERT_TRUE(got.ok()) << got.status() << answer;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, "body") << answer;
  }
}

TEST_F(BeastHttpClientTest, ExpectsNoBodyWhereThereIsNone) {
  for (const char* answer : {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n"}) {
    const CannedServer server(answer);
    EXPECT_EQ(ask(server)->body, "") << answer;
  }
  const CannedServer server("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
  EXPECT_EQ(ask(server, "HEAD")->body, "");
}

TEST_F(BeastHttpClientTest, ATruncatedAnswerIsUnavailable) {
  for (const char* answer : {"", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nbody",
                             "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n", "no HTTP at all\r\n\r\n",
                             "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nbody\r\n0\r\n\r\n"}) {
    const CannedServer server(answer);
    const auto got = ask(server);
    EXPECT_EQ(got.status().code(), StatusCode::kUnavailable) << answer << got.status();
    EXPECT_NE(message_of(got.status()).find(concat("127.0.0.1:", server.port())), std::string_view::npos) << got.status();
  }
}

TEST_F(BeastHttpClientTest, JoinsHeadersThatAreRepeated) {
  const CannedServer server("HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(ask(server)->headers.at("x-a"), "1, 2");
}

TEST_F(BeastHttpClientTest, SpeaksTls) {
  const Certificate certificate("localhost");
  const CannedServer server("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret", &certificate);
  const auto answer = ask_securely(server, certificate.certificate_file());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "secret");
}

TEST_F(BeastHttpClientTest, RefusesAnUntrustedCertificate) {
  const Certificate certificate("localhost");
  const CannedServer server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", &certificate);
  const auto answer = ask_securely(server, "");
  EXPECT_EQ(answer.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(reason_of(answer.status()), "TLS_UNTRUSTED");
  EXPECT_NE(message_of(answer.status()).find("self-signed certificate"), std::string_view::npos) << answer.status();
}

TEST_F(BeastHttpClientTest, RefusesACertificateForAnotherHost) {
  const Certificate certificate("elsewhere.example");
  const CannedServer server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", &certificate);
  const auto answer = ask_securely(server, certificate.certificate_file());
  EXPECT_EQ(reason_of(answer.status()), "TLS_UNTRUSTED") << answer.status();
  EXPECT_NE(message_of(answer.status()).find("another host"), std::string_view::npos) << answer.status();
}

TEST_F(BeastHttpClientTest, NamesTheFileOfCertificatesThatItCannotRead) {
  adapters::BeastHttpClient http(world_.asio_executor(), "/nowhere/ca.pem");
  const auto answer = get(fetch(http, get_request("https://localhost:1/"), in(kLong)));
  EXPECT_EQ(answer.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(answer.status()).find("/nowhere/ca.pem"), std::string_view::npos) << answer.status();
}

}  // namespace
}  // namespace reliant::tests

// The real worlds of the contract suites of HttpServer and HttpClient, in plain text and with TLS: sockets of this machine, port 0.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/beast/beast_http_client.h"
#include "adapters/beast/beast_http_server.h"
#include "adapters/posix/system_clock.h"
#include "adapters/tls/self_signed.h"
#include "base/assert.h"
#include "base/event_log.h"
#include "runtime/scope.h"

namespace reliant::tests {

class NoLog final : public EventLog {
 public:
  void record(Level, std::string_view, std::initializer_list<Field>) override {}
};

class BeastWorld {
 public:
  BeastWorld() : BeastWorld("http", std::nullopt, "") {}
  Executor& executor() { return executor_; }
  adapters::AsioExecutor& asio_executor() { return executor_; }
  TaskScope& scope() { return scope_; }
  ports::HttpServer& server() { return server_; }
  std::string address() const { return "127.0.0.1:0"; }
  const std::string& scheme() const { return scheme_; }
  ports::HttpClient& http() { return http_; }
  bool run_until(const std::function<bool()>& done) { return executor_.run_loop_until(done, std::chrono::seconds(20)); }

 protected:
  BeastWorld(std::string scheme, std::optional<adapters::TlsCredentials> tls, std::string ca_file)
      : scheme_(std::move(scheme)), server_(executor_, log_, std::move(tls)), http_(executor_, std::move(ca_file)) {}

 private:
  std::string scheme_;
  adapters::AsioExecutor executor_;
  NoLog log_;
  adapters::BeastHttpServer server_;
  adapters::BeastHttpClient http_;
  TaskScope scope_{executor_, 0};
};

// A certificate of its own, and the file by which clients trust it.
class OwnCertificate {
 public:
  OwnCertificate() {
    adapters::AsioExecutor executor;
    auto made = adapters::make_self_signed(adapters::SystemClock(executor).wall_now());
    RELIANT_ASSERT(made.ok(), "OpenSSL makes keys and certificates");
    credentials_ = *std::move(made);
    RELIANT_ASSERT(::mkdtemp(folder_.data()) != nullptr, "the folder for temporary files is writable");
    std::ofstream(ca_file()) << credentials_.certificate_chain;
    // Instead of the system's hundreds, which take longer to read than the test.
    ::setenv("SSL_CERT_FILE", ca_file().c_str(), 1);
  }
  OwnCertificate(const OwnCertificate&) = delete;
  OwnCertificate& operator=(const OwnCertificate&) = delete;
  ~OwnCertificate() {
    ::unsetenv("SSL_CERT_FILE");
    std::filesystem::remove_all(folder_);
  }
  const adapters::TlsCredentials& credentials() const { return credentials_; }
  std::string ca_file() const { return folder_ + "/ca.pem"; }

 private:
  adapters::TlsCredentials credentials_;
  std::string folder_ = "/tmp/reliant-tls-XXXXXX";
};

class BeastTlsWorld : private OwnCertificate, public BeastWorld {
 public:
  BeastTlsWorld() : BeastWorld("https", OwnCertificate::credentials(), OwnCertificate::ca_file()) {}
  const OwnCertificate& certificate() const { return *this; }
};

}  // namespace reliant::tests

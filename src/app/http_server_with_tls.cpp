#include "app/http_server_with_tls.h"

#include "base/text.h"
#include "runtime/all.h"

namespace reliant::app {
namespace {

class TwoListeners final : public ports::HttpListener {
 public:
  TwoListeners(std::unique_ptr<ports::HttpListener> plain, std::unique_ptr<ports::HttpListener> tls)
      : plain_(std::move(plain)), tls_(std::move(tls)) {}

  const std::string& address() const override { return plain_->address(); }
  Task<void> drain(Instant deadline) override { co_await all(plain_->drain(deadline), tls_->drain(deadline)); }

 private:
  std::unique_ptr<ports::HttpListener> plain_;
  std::unique_ptr<ports::HttpListener> tls_;
};

}  // namespace

Result<std::unique_ptr<ports::HttpListener>> HttpServerWithTls::listen(std::string address, ports::HttpHandler& handler,
                                                                       ports::HttpServerLimits limits) {
  TRY_ASSIGN(auto plain, plain_.listen(std::move(address), handler, limits));
  if (wanted_.empty()) return plain;
  auto tls = tls_.listen(wanted_, handler, limits);
  if (!tls.ok()) {
    return with_field(make_status(tls.status().code(), concat(message_of(tls.status()),
                                                              " (this is the port for HTTPS: --tls-port PORT, "
                                                              "0 for a free one, off for none)")),
                      "--tls-port");
  }
  tls_address_ = (*tls)->address();
  return std::unique_ptr<ports::HttpListener>(new TwoListeners(std::move(plain), *std::move(tls)));
}

}  // namespace reliant::app

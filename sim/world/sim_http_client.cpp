#include "world/sim_http_client.h"

#include <charconv>
#include <utility>

#include "base/url.h"
#include "world/sim_http_server_connection.h"

namespace reliant::sim {

namespace {

// The client's end: closes its side on destruction.
class ClientEnd {
 public:
  explicit ClientEnd(std::shared_ptr<HttpServerConnection> connection) : connection_(std::move(connection)) {}
  ClientEnd(ClientEnd&&) noexcept = default;
  ClientEnd& operator=(ClientEnd&&) = delete;
  ~ClientEnd() {
    if (connection_ != nullptr) connection_->client_leaves();
  }
  HttpServerConnection* operator->() const { return connection_.get(); }

 private:
  std::shared_ptr<HttpServerConnection> connection_;
};

class SimResponse final : public ports::HttpResponse {
 public:
  SimResponse(ClientEnd end, std::string bytes) : end_(std::move(end)) {
    HttpServerHead head = take_head(bytes);
    std::from_chars(head.first_line.data(), head.first_line.data() + head.first_line.size(), status_);
    headers_ = std::move(head.headers);
  }
  int status() const override { return status_; }
  const ports::HttpHeaders& headers() const override { return headers_; }
  Task<Result<std::optional<std::string>>> read(Instant deadline) override { return end_->read(deadline); }

 private:
  ClientEnd end_;
  int status_ = 0;
  ports::HttpHeaders headers_;
};

Result<std::string> encode(const ports::HttpRequest& request, const HttpUrl& url) {
  if (!valid_header(request.method, "")) return invalid_argument("\"", request.method, "\" is no HTTP method");
  HttpServerHead head{concat(request.method, ' ', url.target), {{"host", url.server.str()}, {"user-agent", "reliant"}}};
  for (const auto& [name, value] : request.headers) {
    if (!valid_header(name, value)) {
      return invalid_argument("the header \"", name, "\" holds a character that no header may hold");
    }
    head.headers[to_lower(name)] = value;
  }
  return encode_head(head) + request.body;
}

Status about(const HostPort& server, const Status& status) {
  return make_status(status.code(), server.str(), ": ", message_of(status));
}

}  // namespace

Task<Result<std::unique_ptr<ports::HttpResponse>>> SimHttpClient::send(ports::HttpRequest request, Instant deadline) {
  CO_TRY_ASSIGN(const HttpUrl url, parse_http_url(request.url));
  CO_TRY_ASSIGN(std::string bytes, encode(request, url));
  Node* const server = web_.find_host(node_, url.server.host);
  if (server == nullptr)
    co_return with_reason(unavailable("cannot find the host ", url.server.host), ports::kReasonHostNotFound);
  ClientEnd end(HttpServerConnection::connect(web_, node_, *server, url.server.port));
  const Status accepted = co_await end->until_accepted(deadline);
  if (!accepted.ok()) co_return about(url.server, accepted);
  end->ask(std::move(bytes));
  Result<std::string> head = co_await end->until_head(deadline);
  if (!head.ok()) co_return about(url.server, head.status());
  co_return std::make_unique<SimResponse>(std::move(end), *std::move(head));
}

}  // namespace reliant::sim

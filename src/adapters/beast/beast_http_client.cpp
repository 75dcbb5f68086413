#include "adapters/beast/beast_http_client.h"

#include <array>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "adapters/asio/asio_operation.h"
#include "adapters/beast/maybe_tls_stream.h"
#include "base/url.h"
#include "runtime/deadline.h"
#include "runtime/event.h"

namespace reliant::adapters {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

// Set up by the first https request: it takes a quarter of a second to read all the system's certificates.
struct BeastHttpClient::Tls {
  explicit Tls(std::string file) : ca_file(std::move(file)) {}
  Status prepare();

  std::string ca_file;
  ssl::context context{ssl::context::tls_client};
  bool prepared = false;
  Status status;
};

Status BeastHttpClient::Tls::prepare() {
  if (std::exchange(prepared, true)) return status;
  error_code error;
  context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, error);
  if (!error) context.set_default_verify_paths(error);
  if (error) return status = failed_precondition("TLS cannot be used: ", error.message());
  if (ca_file.empty()) return status;
  context.load_verify_file(ca_file, error);
  if (error) status = failed_precondition("cannot read certificates from ", ca_file, ": ", error.message());
  return status;
}

namespace {

constexpr std::uint32_t kMaxHead = 256 * 1024;  // bytes of an answer's head

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Held by shared_ptr: by the response and by each operation under way.
struct Exchange : std::enable_shared_from_this<Exchange> {
  Exchange(const asio::any_io_executor& executor, std::shared_ptr<void> context)
      : tls_context(std::move(context)), stream(tcp::socket(executor)), resolver(executor) {}

  void close() {
    error_code ignored;
    resolver.cancel();
    stream.socket.close(ignored);
  }
  void read_more();

  std::shared_ptr<void> tls_context;
  MaybeTlsStream stream;
  tcp::resolver resolver;
  std::vector<tcp::endpoint> endpoints;
  std::string server;  // "host:port", for messages
  std::string request;
  boost::beast::flat_buffer buffer;
  std::optional<http::response_parser<http::buffer_body>> parser;
  std::array<char, 16 * 1024> part{};
  std::string received;  // of the body, not handed out yet
  bool reading = false;
  Status failure;
  Event arrived;  // something was received, or the reading ended
};

void Exchange::read_more() {
  if (reading || !failure.ok() || parser->is_done()) return;
  reading = true;
  auto& body = parser->get().body();
  body.data = part.data();
  body.size = part.size();
  body.more = true;
  http::async_read_some(stream, buffer, *parser, [self = shared_from_this()](error_code error, std::size_t) {
    self->reading = false;
    self->received.append(self->part.data(), self->part.size() - self->parser->get().body().size);
    if (error == http::error::need_buffer) error = {};
    if (error) {
      self->failure =
          unavailable("the connection to ", self->server, " was lost before the end of the answer: ", error.message());
    }
    self->arrived.set();
  });
}

class BeastResponse final : public ports::HttpResponse {
 public:
  explicit BeastResponse(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {
    const auto& message = exchange_->parser->get();
    status_ = static_cast<int>(message.result_int());
    for (const auto& field : message) {
      std::string& value = headers_[to_lower(view(field.name_string()))];
      if (!value.empty()) value += ", ";
      value += view(field.value());
    }
  }
  ~BeastResponse() override { exchange_->close(); }

  int status() const override { return status_; }
  const ports::HttpHeaders& headers() const override { return headers_; }

  Task<Result<std::optional<std::string>>> read(Instant deadline) override {
    const std::shared_ptr<Exchange> exchange = exchange_;
    for (;;) {
      if (!exchange->received.empty()) co_return std::exchange(exchange->received, {});
      if (!exchange->failure.ok()) co_return exchange->failure;
      if (exchange->parser->is_done()) co_return std::nullopt;
      exchange->arrived.reset();
      exchange->read_more();
      const bool arrived = co_await exchange->arrived.wait(deadline);
      if (!arrived) co_return deadline_exceeded(exchange->server, " sent nothing more in time");
    }
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  int status_ = 0;
  ports::HttpHeaders headers_;
};

Result<std::string> request_text(const ports::HttpRequest& request, const HttpUrl& url) {
  if (!valid_header(request.method, "")) return invalid_argument("\"", request.method, "\" is no HTTP method");
  std::string text = concat(request.method, ' ', url.target, " HTTP/1.1\r\n");
  const bool usual_port = url.server.port == (url.secure ? 443 : 80);
  if (!request.headers.contains("host")) {
    const std::string host = url.server.str();
    append(text, concat("host: ", usual_port ? host.substr(0, host.rfind(':')) : host, "\r\n"));
  }
  if (!request.headers.contains("user-agent")) text += "user-agent: reliant\r\n";
  for (const auto& [name, value] : request.headers) {
    if (name == "connection" || name == "content-length" || name == "transfer-encoding") continue;  // ours
    if (!valid_header(name, value)) {
      return invalid_argument("the header \"", name, "\" holds a character that no header may hold");
    }
    append(text, concat(name, ": ", value, "\r\n"));
  }
  const bool has_body =
      !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (has_body) append(text, concat("content-length: ", request.body.size(), "\r\n"));
  text += "connection: close\r\n\r\n";
  text += request.body;
  return text;
}

Task<Status> resolve(std::shared_ptr<Exchange> exchange, HostPort server) {
  error_code no_literal;
  const auto literal = asio::ip::make_address(server.host, no_literal);
  if (!no_literal) {
    exchange->endpoints.emplace_back(literal, server.port);
    co_return ok_status();
  }
  AsioOp look_up(
      [&](auto done) {
        exchange->resolver.async_resolve(
            server.host, concat(server.port), tcp::resolver::numeric_service,
            [exchange, done = std::move(done)](const error_code& error, const tcp::resolver::results_type& found) mutable {
              for (const auto& entry : found) exchange->endpoints.push_back(entry.endpoint());
              done(error);
            });
      },
      exchange);
  const AsioResult result = co_await look_up;
  if (!result.error) co_return ok_status();
  Status not_found = unavailable("cannot find the host ", server.host, ": ", result.error.message());
  co_return result.error == asio::error::host_not_found ? with_reason(not_found, ports::kReasonHostNotFound) : not_found;
}

Task<Status> connect(std::shared_ptr<Exchange> exchange) {
  error_code last;
  for (const tcp::endpoint& endpoint : exchange->endpoints) {
    error_code ignored;
    exchange->stream.socket.close(ignored);
    AsioOp attempt([&](auto done) { exchange->stream.socket.async_connect(endpoint, std::move(done)); }, exchange);
    const AsioResult result = co_await attempt;
    if (!result.error) {
      exchange->stream.socket.set_option(tcp::no_delay(true), ignored);
      co_return ok_status();
    }
    last = result.error;
  }
  co_return unavailable("cannot connect to ", exchange->server, ": ", last.message());
}

// Trying again does not help.
Status untrusted(const std::string& server, long why) {
  const std::string_view reason = why == X509_V_ERR_UNSPECIFIED ? "it is for another host" : X509_verify_cert_error_string(why);
  return with_reason(failed_precondition("the certificate of ", server, " is not trusted: ", reason), "TLS_UNTRUSTED");
}

Task<Status> start_tls(std::shared_ptr<Exchange> exchange, ssl::context& context, std::string host) {
  auto& tls = exchange->stream.tls.emplace(exchange->stream.socket, context);
  error_code error;
  tls.set_verify_mode(ssl::verify_peer, error);
  if (!error) tls.set_verify_callback(ssl::host_name_verification(host), error);
  if (error) co_return internal_error("TLS cannot be set up: ", error.message());
  error_code no_literal;
  asio::ip::make_address(host, no_literal);
  if (no_literal) SSL_set_tlsext_host_name(tls.native_handle(), host.c_str());  // names only, says its RFC
  AsioOp handshake([&](auto done) { tls.async_handshake(ssl::stream_base::client, std::move(done)); }, exchange);
  const AsioResult result = co_await handshake;
  if (const long distrust = SSL_get_verify_result(tls.native_handle()); result.error && distrust != X509_V_OK) {
    co_return untrusted(exchange->server, distrust);
  }
  if (result.error) co_return unavailable("no TLS with ", exchange->server, ": ", result.error.message());
  co_return ok_status();
}

Task<Status> ask(std::shared_ptr<Exchange> exchange, bool head_only) {
  AsioOp write([&](auto done) { asio::async_write(exchange->stream, asio::buffer(exchange->request), std::move(done)); },
               exchange);
  // A server may answer, and close, before it has read everything: its answer counts more than the failed write.
  const AsioResult written = co_await write;
  do {
    auto& parser = exchange->parser.emplace();
    parser.header_limit(kMaxHead);
    parser.body_limit(boost::none);
    parser.skip(head_only);
    AsioOp read([&](auto done) { http::async_read_header(exchange->stream, exchange->buffer, parser, std::move(done)); },
                exchange);
    const AsioResult result = co_await read;
    if (result.error) {
      const error_code why = written.error ? written.error : result.error;
      co_return unavailable("no answer from ", exchange->server, ": ", why.message());
    }
  } while (exchange->parser->get().result_int() < 200);
  co_return ok_status();
}

Task<Status> converse(std::shared_ptr<Exchange> exchange, HttpUrl url, ssl::context* tls, bool head_only) {
  const Status resolved = co_await resolve(exchange, url.server);
  CO_TRY_OK(resolved);
  const Status connected = co_await connect(exchange);
  CO_TRY_OK(connected);
  if (tls != nullptr) {
    const Status secured = co_await start_tls(exchange, *tls, url.server.host);
    CO_TRY_OK(secured);
  }
  co_return co_await ask(exchange, head_only);
}

}  // namespace

BeastHttpClient::BeastHttpClient(AsioExecutor& executor, std::string ca_file)
    : executor_(executor), tls_(std::make_shared<Tls>(std::move(ca_file))) {}

BeastHttpClient::~BeastHttpClient() = default;

Task<Result<std::unique_ptr<ports::HttpResponse>>> BeastHttpClient::send(ports::HttpRequest request, Instant deadline) {
  CO_TRY_ASSIGN(HttpUrl url, parse_http_url(request.url));
  const std::shared_ptr<Tls> tls = tls_;
  if (url.secure) CO_TRY_OK(tls->prepare());
  auto exchange = std::make_shared<Exchange>(executor_.io_executor(), tls);
  CO_TRY_ASSIGN(exchange->request, request_text(request, url));
  exchange->server = url.server.str();
  ssl::context* const context = url.secure ? &tls->context : nullptr;
  const std::optional<Status> status =
      co_await with_deadline(converse(exchange, url, context, request.method == "HEAD"), deadline);
  if (!status || !status->ok()) exchange->close();
  if (!status) co_return deadline_exceeded("no answer from ", exchange->server, " in time");
  CO_TRY_OK(*status);
  co_return std::make_unique<BeastResponse>(std::move(exchange));
}

}  // namespace reliant::adapters

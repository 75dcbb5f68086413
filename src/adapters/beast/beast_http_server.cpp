#include "adapters/beast/beast_http_server.h"

#include <algorithm>
#include <exception>
#include <map>
#include <utility>
#include <variant>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "adapters/beast/beast_http_server_connection.h"
#include "base/peer_address.h"
#include "base/url.h"
#include "runtime/deadline.h"
#include "runtime/race.h"
#include "runtime/scope.h"

namespace reliant::adapters {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kAcceptRetry = std::chrono::milliseconds(100);
constexpr Duration kHandshakeTime = std::chrono::seconds(10);

using TlsContext = std::shared_ptr<ssl::context>;  // null: no TLS

class BeastListener final : public ports::HttpListener {
 public:
  BeastListener(AsioExecutor& executor, EventLog& log, ports::HttpHandler& handler, ports::HttpServerLimits limits,
                TlsContext tls, PlainText plain_text, tcp::acceptor acceptor, std::string address)
      : log_(log),
        handler_(handler),
        limits_(limits),
        tls_(std::move(tls)),
        plain_text_(plain_text),
        address_(std::move(address)),
        accepting_(std::make_shared<Accepting>(std::move(acceptor), *this)),
        scope_(executor, 0) {
    accept_next(accepting_);
  }
  ~BeastListener() override { stop_accepting(); }

  const std::string& address() const override { return address_; }

  Task<void> drain(Instant deadline) override {
    stop_accepting();
    draining_.set();
    (void)co_await with_deadline(scope_.join(), deadline);
  }

 private:
  // Shared with the accept under way, which may complete after the listener has gone.
  struct Accepting {
    Accepting(tcp::acceptor a, BeastListener& listener)
        : acceptor(std::move(a)), retry(acceptor.get_executor()), owner(&listener) {}
    tcp::acceptor acceptor;
    asio::steady_timer retry;
    BeastListener* owner;
  };

  // Ends the connection of a task that is destroyed.
  class Closing {
   public:
    explicit Closing(std::shared_ptr<ServerConnection> connection) : connection_(std::move(connection)) {}
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    ~Closing() { connection_->close(); }

   private:
    std::shared_ptr<ServerConnection> connection_;
  };

  static void accept_next(const std::shared_ptr<Accepting>& accepting) {
    accepting->acceptor.async_accept([accepting](const error_code& error, tcp::socket socket) {
      if (accepting->owner == nullptr) return;
      if (!error) {
        accepting->owner->accepted(std::move(socket));
        return accept_next(accepting);
      }
      if (error == asio::error::connection_aborted) return accept_next(accepting);
      // Out of file descriptors, most likely: they come back when connections end.
      accepting->owner->log_.warning("http_server.accept.failed", {{"error", error.message()}});
      accepting->retry.expires_after(kAcceptRetry);
      accepting->retry.async_wait([accepting](const error_code& cancelled) {
        if (!cancelled && accepting->owner != nullptr) accept_next(accepting);
      });
    });
  }

  void accepted(tcp::socket socket) {
    error_code error;
    const std::string address = network_of_peer(socket.remote_endpoint(error).address().to_string());
    if (error) return;  // it has gone already
    const auto at = by_address_.try_emplace(address, 0).first;
    if (is_full(connections_, limits_.max_connections) || is_full(at->second, limits_.max_connections_per_address)) {
      if (at->second == 0) by_address_.erase(at);
      return log_.debug("http_server.connection.refused", {{"peer", address}, {"open", connections_}});
    }
    scope_.spawn(serve(std::make_shared<ServerConnection>(std::move(socket), tls_.get(), limits_), Place(*this, at)));
  }
  static bool is_full(std::size_t count, std::size_t most) { return most > 0 && count >= most; }

  // Of a connection, among all and among those of its address.
  class Place {
   public:
    using At = std::map<std::string, std::size_t>::iterator;
    Place(BeastListener& listener, At at) : listener_(&listener), at_(at) {
      ++listener_->connections_;
      ++at_->second;
    }
    Place(Place&& other) noexcept : listener_(std::exchange(other.listener_, nullptr)), at_(other.at_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (listener_ == nullptr) return;
      --listener_->connections_;
      if (--at_->second == 0) listener_->by_address_.erase(at_);
    }

   private:
    BeastListener* listener_;
    At at_;
  };

  void stop_accepting() {
    accepting_->owner = nullptr;
    error_code ignored;
    accepting_->acceptor.close(ignored);
    accepting_->retry.cancel();
  }

  Instant idle_deadline() const { return after(scope_.executor().now(), limits_.idle_timeout); }

  Task<void> serve(std::shared_ptr<ServerConnection> connection, [[maybe_unused]] Place place) {
    const Closing closing(connection);
    const bool admitted = co_await admit(*connection);
    if (!admitted) co_return;
    co_await converse(connection);
    co_await connection->say_goodbye();
  }

  class Handshake {
   public:
    explicit Handshake(BeastListener& listener) : listener_(listener) { ++listener_.handshakes_; }
    Handshake(const Handshake&) = delete;
    Handshake& operator=(const Handshake&) = delete;
    ~Handshake() { --listener_.handshakes_; }

   private:
    BeastListener& listener_;
  };

  // False: the client speaks no TLS, does not trust us, takes too long, or comes when the drain has begun.
  Task<bool> admit(ServerConnection& connection) {
    if (!connection.is_secure()) co_return true;
    if (is_full(handshakes_, limits_.max_handshakes)) {
      log_.debug("http_server.connection.refused", {{"peer", connection.peer()}, {"open", connections_}});
      co_return false;
    }
    const Handshake counted(*this);
    const Instant deadline = after(scope_.executor().now(), std::min(kHandshakeTime, limits_.idle_timeout));
    const auto shaken = co_await with_deadline(handshake_or_draining(connection), deadline);
    if (shaken && shaken->ok()) co_return true;
    const std::string_view why = shaken ? message_of(*shaken) : "it did not come in time";
    log_.debug("http_server.handshake.failed", {{"peer", connection.peer()}, {"error", why}});
    co_return false;
  }

  Task<Status> handshake(ServerConnection& connection) {
    if (plain_text_ == PlainText::kServed) co_await connection.find_out_whether_secure();
    if (!connection.is_secure()) co_return ok_status();
    co_return co_await connection.handshake();
  }

  Task<Status> handshake_or_draining(ServerConnection& connection) {
    auto first = co_await race(handshake(connection), draining_.wait());
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    co_return unavailable("the server is stopping");
  }

  Task<void> converse(std::shared_ptr<ServerConnection> connection) {
    for (;;) {
      const bool wanted = co_await until_request(*connection);
      if (!wanted) co_return;
      std::optional<ServerConnection::Read> read = co_await with_deadline(connection->read_head(), idle_deadline());
      if (!read) read = too_late();
      if (std::holds_alternative<ServerConnection::Closed>(*read)) co_return;
      if (const auto* refusal = std::get_if<ServerConnection::Refusal>(&*read)) co_return co_await refuse(connection, *refusal);
      auto& incoming = std::get<ServerConnection::Incoming>(*read);
      ServerResponder responder(connection, incoming);
      if (draining_.is_set()) responder.close_after();
      auto refused = co_await admission_of(incoming.request);
      if (refused) {
        // Its body is not read, so nothing more can be read after it.
        if (incoming.has_body) responder.close_after();
        const Status sent = co_await responder.reply(*std::move(refused));
        if (sent.ok() && incoming.has_body) co_await connection->linger();
        if (!sent.ok() || !responder.keeps_alive()) co_return;
        continue;
      }
      if (incoming.has_body) {
        std::optional<ServerConnection::Body> body = co_await with_deadline(connection->read_body(), idle_deadline());
        if (!body) body = too_late();
        if (std::holds_alternative<ServerConnection::Closed>(*body)) co_return;
        if (const auto* refusal = std::get_if<ServerConnection::Refusal>(&*body))
          co_return co_await refuse(connection, *refusal);
        incoming.request.body = std::get<std::string>(*std::move(body));
      }
      co_await answer(std::move(incoming.request), responder, *connection);
      if (connection->closed()) co_return;
      const bool sent = co_await connection->until_sent();
      if (!sent || !responder.keeps_alive()) co_return;
    }
  }

  static ServerConnection::Refusal too_late() { return {408, "the request did not come in time"}; }

  Task<void> refuse(std::shared_ptr<ServerConnection> connection, ServerConnection::Refusal refusal) {
    ServerConnection::Incoming nothing;
    nothing.keep_alive = false;
    ServerResponder responder(connection, nothing);
    const Status sent = co_await responder.reply(ports::http_refusal(refusal.status, refusal.message));
    if (sent.ok()) co_await connection->linger();
  }

  // nullopt: the handler takes the request.
  Task<std::optional<ports::HttpServerResponse>> admission_of(ports::HttpServerRequest& head) {
    std::string failure;
    try {
      co_return co_await handler_.admit(head);
    } catch (const std::exception& exception) {
      failure = exception.what();
    }
    log_.error("http_server.handler.threw", {{"request", head.method + " " + head.path}, {"error", failure}});
    co_return ports::http_refusal(500, "internal error");
  }

  // False: the client went, or sent nothing for too long, or nothing when the drain began.
  Task<bool> until_request(ServerConnection& connection) {
    if (!connection.buffer_empty()) co_return true;
    const auto first = co_await with_deadline(readable_or_draining(connection), idle_deadline());
    co_return first.value_or(false);
  }

  Task<bool> readable_or_draining(ServerConnection& connection) {
    if (draining_.is_set()) co_return connection.has_bytes();
    const auto first = co_await race(connection.readable(), draining_.wait());
    if (first.index() == 0) co_return std::get<0>(first);
    co_return connection.has_bytes();
  }

  Task<void> answer(ports::HttpServerRequest request, ServerResponder& responder, ServerConnection& connection) {
    const std::string what = request.method + " " + request.path;
    std::string failure;
    try {
      const auto first =
          co_await race(handler_.handle(std::move(request), responder), until_stream_over(responder, connection));
      if (first.index() == 1 && responder.streaming() && !connection.closed()) {
        responder.end_stream();
        responder.close_after();
      }
    } catch (const std::exception& exception) {
      failure = exception.what();
    }
    if (!failure.empty()) log_.error("http_server.handler.threw", {{"request", what}, {"error", failure}});
    if (responder.streaming()) {
      connection.close();  // the handler ended without an end of its stream: the client must see that
    } else if (!responder.answered()) {
      if (failure.empty()) log_.error("http_server.handler.silent", {{"request", what}});
      (void)co_await responder.reply(ports::http_refusal(500, "internal error"));
    }
  }

  // When a handler that streams is to be destroyed: its client has gone, or the drain has begun.
  Task<void> until_stream_over(ServerResponder& responder, ServerConnection& connection) {
    co_await responder.stream_started().wait();
    const auto first = co_await race(connection.until_client_gone(), draining_.wait());
    if (first.index() == 0) connection.close();
  }

  EventLog& log_;
  ports::HttpHandler& handler_;
  ports::HttpServerLimits limits_;
  TlsContext tls_;
  PlainText plain_text_;
  std::string address_;
  std::shared_ptr<Accepting> accepting_;
  Event draining_;
  std::size_t connections_ = 0;
  std::size_t handshakes_ = 0;                     // under way
  std::map<std::string, std::size_t> by_address_;  // connections
  TaskScope scope_;
};

// The browsers' choice for TLS 1.2: forward secrecy and authenticated encryption only. 1.3 has nothing else.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

Result<TlsContext> tls_context(const std::optional<TlsCredentials>& credentials) {
  if (!credentials) return TlsContext();
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  error_code error;
  context->set_options(ssl::context::default_workarounds | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION, error);
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native, kCiphers);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);  // tickets do, and cost us no memory
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);          // most connections are idle
  // OpenSSL would ask for a passphrase on the terminal.
  if (!error) context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return ""; }, error);
  if (!error) context->use_certificate_chain(asio::buffer(credentials->certificate_chain), error);
  if (error) return failed_precondition("the TLS certificate cannot be used: ", error.message());
  context->use_private_key(asio::buffer(credentials->private_key), ssl::context::pem, error);
  if (error) return failed_precondition("the key of the TLS certificate cannot be used: ", error.message());
  return context;
}

Status listen_error(const error_code& error, const std::string& address) {
  if (error == asio::error::address_in_use) {
    return already_exists(address, " is already in use; stop the program that listens there or choose another port");
  }
  if (error == asio::error::access_denied) {
    return permission_denied("no permission to listen on ", address, "; choose a port above 1023");
  }
  return invalid_argument("cannot listen on ", address, ": ", error.message(),
                          "; use an address of this machine, such as 127.0.0.1:8080");
}

Result<asio::ip::address> listen_host(const asio::any_io_executor& executor, const HostPort& where) {
  if (where.host.empty()) return asio::ip::address(asio::ip::address_v4::any());
  error_code error;
  const auto literal = asio::ip::make_address(where.host, error);
  if (!error) return literal;
  // Blocks, which is harmless while a process starts.
  const auto found = tcp::resolver(executor).resolve(tcp::v4(), where.host, "", tcp::resolver::passive, error);
  if (error || found.empty()) return invalid_argument("cannot listen on ", where.str(), ": there is no such host");
  return found.begin()->endpoint().address();
}

}  // namespace

Result<std::unique_ptr<ports::HttpListener>> BeastHttpServer::listen(std::string address, ports::HttpHandler& handler,
                                                                     ports::HttpServerLimits limits) {
  TRY_ASSIGN(TlsContext tls, tls_context(tls_));
  TRY_ASSIGN(const HostPort where, parse_host_port(address));
  TRY_ASSIGN(const asio::ip::address host, listen_host(executor_.io_executor(), where));
  const tcp::endpoint endpoint(host, where.port);
  tcp::acceptor acceptor(executor_.io_executor());
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(error, address);
  const tcp::endpoint real = acceptor.local_endpoint(error);
  if (error) return listen_error(error, address);
  std::string shown = HostPort{real.address().to_string(), real.port()}.str();
  return std::unique_ptr<ports::HttpListener>(
      new BeastListener(executor_, log_, handler, limits, std::move(tls), plain_text_, std::move(acceptor), std::move(shown)));
}

}  // namespace reliant::adapters

#include "adapters/beast/beast_http_server_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>

#include "adapters/asio/asio_operation.h"
#include "adapters/beast/beast_http_server_head.h"
#include "base/url.h"
#include "runtime/deadline.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::adapters {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kFill = 4096;                      // bytes that are read of a request before its parser reads
constexpr std::size_t kHighWater = 64 * 1024;            // bytes that may wait to be sent
constexpr std::size_t kMaxDiscarded = 16 * 1024 * 1024;  // bytes of a refused request that are read and thrown away
constexpr Duration kLinger = std::chrono::seconds(2);

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string peer_of(const asio::ip::tcp::socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "unknown";
  return HostPort{endpoint.address().to_string(), endpoint.port()}.str();
}

ServerConnection::Refusal refusal_of(const error_code& error, const ports::HttpServerLimits& limits) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return {431, concat("the head of the request is larger than ", limits.max_header, " bytes")};
  }
  if (error == http::error::body_limit) {
    return {413, concat("the body of the request is larger than ", limits.max_body, " bytes")};
  }
  return {400, concat("this is no HTTP request: ", error.message())};
}

}  // namespace

ServerConnection::ServerConnection(Socket socket, asio::ssl::context* tls, ports::HttpServerLimits limits)
    : stream_(std::move(socket)), limits_(limits), peer_(peer_of(stream_.socket)), buffer_(limits.max_header + 64 * 1024) {
  if (tls != nullptr) stream_.tls.emplace(stream_.socket, *tls);
  error_code ignored;
  stream_.socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  stream_.socket.set_option(asio::socket_base::keep_alive(true), ignored);
  stream_.socket.non_blocking(true, ignored);
}

Task<void> ServerConnection::find_out_whether_secure() {
  constexpr char kHandshake = 0x16;  // the type of a TLS record
  char first = kHandshake;
  ssize_t got = -1;
  while (got < 0) {
    const bool readable = co_await socket_readable();
    if (!readable || closed_) co_return;
    got = ::recv(stream_.socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && errno != EAGAIN && errno != EINTR) co_return;  // readiness may be news of the past
  }
  if (got == 1 && first != kHandshake) stream_.tls.reset();
}

Task<Status> ServerConnection::handshake() {
  auto self = shared_from_this();
  AsioOp shake([&](auto h) { stream_.tls->async_handshake(asio::ssl::stream_base::server, std::move(h)); }, self);
  const AsioResult result = co_await shake;
  if (result.error) co_return unavailable(result.error.message());
  secured_ = true;
  co_return ok_status();
}

// With TLS, a readable socket does not mean that a request has come: only a read shows it. The bytes belong to the
// connection, so that the waiting task may be destroyed.
void ServerConnection::fill() {
  if (filling_ || input_over_ || closed_ || !buffer_empty()) return;
  filling_ = true;
  stream_.async_read_some(buffer_.prepare(kFill), [self = shared_from_this()](const error_code& error, std::size_t bytes) {
    self->filling_ = false;
    self->buffer_.commit(bytes);
    if (error) self->input_over_ = true;
    self->arrived_.set();
  });
}

Task<void> ServerConnection::filled() {
  auto self = shared_from_this();
  while (filling_ && !closed_) {
    arrived_.reset();
    co_await arrived_.wait();
  }
}

Task<bool> ServerConnection::readable() {
  auto self = shared_from_this();
  fill();
  co_await filled();
  co_return !closed_ && !buffer_empty();
}

Task<bool> ServerConnection::socket_readable() {
  auto self = shared_from_this();
  AsioOp wait([&self](auto h) { self->stream_.socket.async_wait(Socket::wait_read, std::move(h)); }, self);
  const AsioResult result = co_await wait;
  co_return !result.error;
}

Task<ServerConnection::Read> ServerConnection::read_head() {
  auto self = shared_from_this();
  co_await filled();
  if (closed_ || (input_over_ && buffer_empty())) co_return Closed{};
  auto parser = std::make_shared<RequestParser>();
  parser_ = parser;
  parser->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits_.max_header, 1u << 30)));
  parser->body_limit(limits_.max_body);
  const auto keep = std::make_shared<std::pair<std::shared_ptr<void>, std::shared_ptr<RequestParser>>>(self, parser);

  AsioOp head([&](auto h) { http::async_read_header(stream_, buffer_, *parser, std::move(h)); }, keep);
  const AsioResult head_read = co_await head;
  if (head_read.error) {
    const bool nothing_came = head_read.error == http::error::end_of_stream ||
                              head_read.error.category() != make_error_code(http::error::bad_method).category();
    if (nothing_came) co_return Closed{};
    co_return refusal_of(head_read.error, limits_);
  }
  auto checked = incoming_of_head(*parser);
  if (auto* const refusal = std::get_if<Refusal>(&checked)) co_return std::move(*refusal);
  auto& incoming = std::get<Incoming>(checked);
  const auto& message = parser->get();
  expects_continue_ = false;
  if (const auto expect = message.find(http::field::expect); expect != message.end()) {
    if (to_lower(view(expect->value())) != "100-continue") {
      co_return Refusal{417, "of the expect header only 100-continue is understood"};
    }
    expects_continue_ = true;
  }
  incoming.has_body = !parser->is_done();
  incoming.request.peer = peer_;
  co_return std::move(incoming);
}

Task<ServerConnection::Body> ServerConnection::read_body() {
  auto self = shared_from_this();
  auto parser = std::static_pointer_cast<RequestParser>(parser_);
  const auto keep = std::make_shared<std::pair<std::shared_ptr<void>, std::shared_ptr<RequestParser>>>(self, parser);
  if (expects_continue_) send("HTTP/1.1 100 Continue\r\n\r\n");
  AsioOp body([&](auto h) { http::async_read(stream_, buffer_, *parser, std::move(h)); }, keep);
  const AsioResult body_read = co_await body;
  if (body_read.error == http::error::body_limit) co_return refusal_of(body_read.error, limits_);
  if (body_read.error == http::error::partial_message) co_return Closed{};
  if (body_read.error.category() == make_error_code(http::error::bad_method).category() && body_read.error) {
    co_return refusal_of(body_read.error, limits_);
  }
  if (body_read.error) co_return Closed{};
  co_return std::move(parser->get().body());
}

bool ServerConnection::has_bytes() {
  if (!buffer_empty()) return true;
  if (stream_.tls) {
    SSL* const ssl = stream_.tls->native_handle();
    if (SSL_has_pending(ssl) == 1 || BIO_pending(SSL_get_rbio(ssl)) > 0) return true;
  }
  char byte = 0;
  return ::recv(stream_.socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

Task<void> ServerConnection::until_client_gone() {
  auto self = shared_from_this();
  const bool alive = co_await readable();
  if (alive) co_await never();  // its next request; that it goes is then seen by the writes
}

void ServerConnection::send(std::string_view bytes) {
  if (closed_) return;
  pending_ += bytes;
  pump();
}

// The bytes being sent belong to the connection, so that the task that queued them may be destroyed.
void ServerConnection::pump() {
  if (writing_ || closed_ || (in_flight_.size() == sent_ && pending_.empty())) return;
  if (in_flight_.size() == sent_) {
    in_flight_.clear();
    in_flight_.swap(pending_);
    sent_ = 0;
  }
  writing_ = true;
  stream_.async_write_some(asio::buffer(in_flight_.data() + sent_, in_flight_.size() - sent_),
                           [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                             self->writing_ = false;
                             self->sent_ += bytes;
                             if (error) return self->close();
                             self->moved_.set();
                             self->pump();
                           });
}

Task<bool> ServerConnection::until_room(Instant deadline) {
  auto self = shared_from_this();
  while (!closed_ && unsent() >= kHighWater) {
    moved_.reset();
    const bool moved = co_await moved_.wait(deadline);
    if (!moved) co_return false;
  }
  co_return !closed_;
}

Task<bool> ServerConnection::until_sent() {
  auto self = shared_from_this();
  Context& context = co_await ThisContext{};
  // Without a minimum rate, a client that reads a byte now and then would keep an answer in memory for ever.
  const Duration at_least = std::chrono::seconds(unsent() / std::max<std::size_t>(limits_.min_rate, 1));
  const Instant too_slow = after(context.executor->now(), limits_.idle_timeout + at_least);
  while (!closed_ && unsent() > 0) {
    moved_.reset();
    const bool moved = co_await moved_.wait(std::min(too_slow, after(context.executor->now(), limits_.idle_timeout)));
    if (!moved) close();
  }
  co_return !closed_;
}

Task<void> ServerConnection::send_close_notify() {
  auto self = shared_from_this();
  SSL* const ssl = stream_.tls->native_handle();
  SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);  // the client's goodbye is not waited for
  AsioOp shutdown([&](auto h) { stream_.tls->async_shutdown(std::move(h)); }, self);
  (void)co_await shutdown;
}

Task<void> ServerConnection::say_goodbye() {
  if (!secured_ || closed_) co_return;
  auto self = shared_from_this();
  Context& context = co_await ThisContext{};
  (void)co_await with_deadline(send_close_notify(), after(context.executor->now(), kLinger));
}

Task<void> ServerConnection::linger() {
  auto self = shared_from_this();
  co_await say_goodbye();
  error_code ignored;
  stream_.socket.shutdown(Socket::shutdown_send, ignored);
  Context& context = co_await ThisContext{};
  const Instant deadline = after(context.executor->now(), kLinger);
  std::size_t left = kMaxDiscarded;
  while (!closed_ && left > 0) {
    const auto ready = co_await with_deadline(socket_readable(), deadline);
    if (!ready || !*ready || closed_) break;
    const ssize_t got = ::recv(stream_.socket.native_handle(), discarded_.data(), discarded_.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;  // readiness may be news of the past
    if (got <= 0) break;
    left -= std::min(left, static_cast<std::size_t>(got));
  }
  close();
}

void ServerConnection::close() {
  if (std::exchange(closed_, true)) return;
  error_code ignored;
  stream_.socket.close(ignored);
  arrived_.set();
  moved_.set();
}

ServerResponder::ServerResponder(std::shared_ptr<ServerConnection> connection, const ServerConnection::Incoming& incoming)
    : connection_(std::move(connection)),
      head_only_(incoming.request.method == "HEAD"),
      keep_alive_(incoming.keep_alive),
      chunks_allowed_(incoming.chunks_allowed) {}

Status ServerResponder::send_head(const ports::HttpServerResponse& head, Body body) {
  const auto reason = view(http::obsolete_reason(static_cast<http::status>(head.status)));
  std::string text = concat("HTTP/1.1 ", head.status, ' ', reason, "\r\n");
  for (const auto& [name, value] : head.headers) {
    if (name == "content-length" || name == "transfer-encoding" || name == "connection") continue;  // ours
    if (!valid_header(name, value)) {
      return internal_error("the answer's header \"", name, "\" holds a character that no header may hold");
    }
    append(text, concat(name, ": ", value, "\r\n"));
  }
  const bool bodiless = head.status == 204 || head.status == 304;
  if (body == Body::kSized && !bodiless) append(text, concat("content-length: ", head.body.size(), "\r\n"));
  if (body == Body::kChunked) text += "transfer-encoding: chunked\r\n";
  if (body == Body::kUntilClose) keep_alive_ = false;
  text += keep_alive_ ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n";
  if (body == Body::kSized && !bodiless && !head_only_) text += head.body;
  connection_->send(text);
  return ok_status();
}

Task<Status> ServerResponder::reply(ports::HttpServerResponse response) {
  if (answered()) co_return failed_precondition("the request has been answered already");
  CO_TRY_OK(send_head(response, Body::kSized));
  state_ = State::kReplied;
  const bool sent = co_await connection_->until_sent();
  if (!sent) co_return unavailable("the client has gone");
  co_return ok_status();
}

Task<Status> ServerResponder::start_stream(ports::HttpServerResponse head) {
  if (answered()) co_return failed_precondition("the request has been answered already");
  CO_TRY_OK(send_head(head, chunks_allowed_ ? Body::kChunked : Body::kUntilClose));
  state_ = State::kStreaming;
  stream_started_.set();
  if (connection_->closed()) co_return unavailable("the client has gone");
  co_return ok_status();
}

Task<Status> ServerResponder::write(std::string chunk, Instant deadline) {
  if (state_ != State::kStreaming) co_return failed_precondition("no stream is open");
  const bool room = co_await connection_->until_room(deadline);
  if (!room && !connection_->closed()) {
    connection_->close();
    co_return deadline_exceeded("the client did not read in time");
  }
  if (!room) co_return unavailable("the client has gone");
  if (chunk.empty() || head_only_) co_return ok_status();  // an empty chunk would be the end
  if (chunks_allowed_) {
    char size[20];
    const auto end = std::to_chars(size, size + sizeof size, chunk.size(), 16).ptr;
    connection_->send(concat(std::string_view(size, end), "\r\n", chunk, "\r\n"));
  } else {
    connection_->send(chunk);
  }
  co_return ok_status();
}

Task<Status> ServerResponder::finish() {
  if (state_ != State::kStreaming) co_return failed_precondition("no stream is open");
  end_stream();
  const bool sent = co_await connection_->until_sent();
  if (!sent) co_return unavailable("the client has gone");
  co_return ok_status();
}

void ServerResponder::end_stream() {
  state_ = State::kFinished;
  if (chunks_allowed_ && !head_only_) connection_->send("0\r\n\r\n");
}

}  // namespace reliant::adapters

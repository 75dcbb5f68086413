// One accepted connection of BeastHttpServer, with or without TLS: its stream, its buffers and its outstanding reads and writes,
// which outlive the coroutines that use them, and the responder that answers one request on it.
//
// Held by shared_ptr: by the task that serves it and by each operation under way. Only included by beast_*.cpp.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <variant>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "adapters/beast/maybe_tls_stream.h"
#include "ports/http_server.h"
#include "runtime/event.h"
#include "runtime/task.h"

namespace reliant::adapters {

class ServerConnection final : public std::enable_shared_from_this<ServerConnection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  struct Refusal {  // of a request that no handler will see
    int status = 400;
    std::string message;
  };
  struct Closed {};  // there is no request any more
  struct Incoming {
    ports::HttpServerRequest request;
    bool keep_alive = true;
    bool chunks_allowed = true;  // false: HTTP/1.0, whose streams end with the connection
    bool has_body = false;       // which read_body() reads
  };
  using Read = std::variant<Closed, Refusal, Incoming>;
  using Body = std::variant<Closed, Refusal, std::string>;

  // `tls` may be null: plain HTTP.
  ServerConnection(Socket socket, boost::asio::ssl::context* tls, ports::HttpServerLimits limits);

  bool is_secure() const { return stream_.tls.has_value(); }
  // Before that, where plain text is served, too: a client whose first byte is not that of a handshake is served without TLS.
  Task<void> find_out_whether_secure();
  // First of all, on a secure one. UNAVAILABLE: it failed, with the reason. Destroying it leaves nothing but `close`.
  Task<Status> handshake();
  // True: bytes of a request are in the buffer. False: there will be none. May be destroyed: what is read goes on into
  // the buffer.
  Task<bool> readable();
  // True when no byte of a further request is in the buffer yet.
  bool buffer_empty() const { return buffer_.size() == 0; }
  // Whether bytes have come that are not in the buffer yet.
  bool has_bytes();
  // The head of one request. Destroying it leaves the connection good for nothing but `close`.
  Task<Read> read_head();
  // Once, after a head that has one. A client that waits for "100 Continue" receives it now. Destroying it as above.
  Task<Body> read_body();
  // Ends when the client has closed its end. Never ends for a client that has sent its next request already.
  Task<void> until_client_gone();

  // Queues bytes to be sent, in order. Nothing happens on a closed connection.
  void send(std::string_view bytes);
  // True: less than the high-water mark waits to be sent. False: `deadline` came, or the connection is closed.
  Task<bool> until_room(Instant deadline);
  // True: all has been handed to the system. False: closed, or nothing moved for the idle timeout, or the client reads more
  // slowly than limits.min_rate.
  Task<bool> until_sent();
  // After the last answer, on a secure connection: says that this was all and not a connection that broke.
  Task<void> say_goodbye();
  // After a refusal: says that nothing more will come and lets the client read what it has, for a moment.
  Task<void> linger();

  bool closed() const { return closed_; }
  void close();
  const std::string& peer() const { return peer_; }

 private:
  void fill();
  Task<void> filled();
  Task<void> send_close_notify();
  Task<bool> socket_readable();
  void pump();
  std::size_t unsent() const { return pending_.size() + in_flight_.size() - sent_; }

  MaybeTlsStream stream_;
  ports::HttpServerLimits limits_;
  std::string peer_;
  boost::beast::flat_buffer buffer_;
  std::shared_ptr<void> parser_;  // RequestParser, of the request whose body was not read yet
  bool expects_continue_ = false;
  bool filling_ = false;     // a read into buffer_ is under way; only that read may touch it
  bool input_over_ = false;  // the client has said all, or is lost
  bool secured_ = false;     // the handshake is done
  Event arrived_;            // the filling ended, or it was closed
  std::array<char, 4096> discarded_{};
  std::string pending_;    // to be sent next
  std::string in_flight_;  // being sent; not modified until the write completes
  std::size_t sent_ = 0;   // of in_flight_
  bool writing_ = false;
  bool closed_ = false;
  Event moved_;  // bytes left, or it was closed
};

// Answers one request.
class ServerResponder final : public ports::HttpResponder {
 public:
  ServerResponder(std::shared_ptr<ServerConnection> connection, const ServerConnection::Incoming& incoming);

  Task<Status> reply(ports::HttpServerResponse response) override;
  Task<Status> start_stream(ports::HttpServerResponse head) override;
  Task<Status> write(std::string chunk, Instant deadline) override;
  Task<Status> finish() override;

  // After this answer the connection is closed.
  void close_after() { keep_alive_ = false; }
  bool keeps_alive() const { return keep_alive_; }
  bool answered() const { return state_ != State::kNothing; }
  bool streaming() const { return state_ == State::kStreaming; }
  Event& stream_started() { return stream_started_; }
  // Queues the end of a stream whose handler has been destroyed.
  void end_stream();

 private:
  enum class State : std::uint8_t { kNothing, kReplied, kStreaming, kFinished };
  enum class Body : std::uint8_t { kSized, kChunked, kUntilClose };

  Status send_head(const ports::HttpServerResponse& head, Body body);

  std::shared_ptr<ServerConnection> connection_;
  bool head_only_;  // HEAD
  bool keep_alive_;
  bool chunks_allowed_;
  State state_ = State::kNothing;
  Event stream_started_;
};

}  // namespace reliant::adapters

// A TCP socket that may speak TLS, as one stream for Beast, so that its parsers and our connections are compiled once.
// Both ends of HTTP are made of it. Only included by beast_*.cpp.
#pragma once

#include <optional>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace reliant::adapters {

class MaybeTlsStream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using executor_type = Socket::executor_type;

  explicit MaybeTlsStream(Socket s) : socket(std::move(s)) {}
  executor_type get_executor() { return socket.get_executor(); }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (tls) return tls->async_read_some(buffers, std::forward<Handler>(handler));
    socket.async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (tls) return tls->async_write_some(buffers, std::forward<Handler>(handler));
    socket.async_write_some(buffers, std::forward<Handler>(handler));
  }

  Socket socket;
  std::optional<boost::asio::ssl::stream<Socket&>> tls;  // when it is there, all bytes go through it
};

}  // namespace reliant::adapters

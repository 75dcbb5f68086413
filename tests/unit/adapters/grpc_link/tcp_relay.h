// TcpRelay: stands between two ends of TCP connections on this machine, and can freeze: nothing passes any more, and
// nothing ends, as when a network breaks or a machine hangs.
//
// Runs on the executor it is given, which outlives it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "adapters/asio/asio_executor.h"
#include "base/text.h"
#include "base/url.h"

namespace reliant::tests {

class TcpRelay {
 public:
  // `target`: "127.0.0.1:port".
  TcpRelay(adapters::AsioExecutor& executor, const std::string& target)
      : state_(std::make_shared<State>(executor.io_executor(), parse_host_port(target)->port)) {
    accept(state_);
  }
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;
  ~TcpRelay() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    state_->frozen = true;
  }

  std::string address() const { return concat("127.0.0.1:", state_->acceptor.local_endpoint().port()); }
  void freeze() { state_->frozen = true; }

 private:
  using Tcp = boost::asio::ip::tcp;

  struct State {
    State(const boost::asio::any_io_executor& executor, std::uint16_t port)
        : acceptor(executor, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
          target(boost::asio::ip::address_v4::loopback(), port) {}
    Tcp::acceptor acceptor;
    Tcp::endpoint target;
    bool frozen = false;
  };
  struct Pair {
    explicit Pair(Tcp::socket socket) : near(std::move(socket)), far(near.get_executor()) {}
    Tcp::socket near;
    Tcp::socket far;
    std::array<char, 16384> up{};
    std::array<char, 16384> down{};
  };

  static void accept(const std::shared_ptr<State>& state) {
    state->acceptor.async_accept([state](const boost::system::error_code& error, Tcp::socket socket) {
      if (error) return;
      auto pair = std::make_shared<Pair>(std::move(socket));
      boost::system::error_code refused;
      pair->far.connect(state->target, refused);
      if (!refused) {
        pump(state, pair, pair->near, pair->far, pair->up);
        pump(state, pair, pair->far, pair->near, pair->down);
      }
      accept(state);
    });
  }
  static void pump(const std::shared_ptr<State>& state, const std::shared_ptr<Pair>& pair, Tcp::socket& from, Tcp::socket& to,
                   std::array<char, 16384>& buffer) {
    from.async_read_some(boost::asio::buffer(buffer), [state, pair, &from, &to, &buffer](const boost::system::error_code& error,
                                                                                         std::size_t size) {
      if (error) {
        boost::system::error_code ignored;
        if (!state->frozen) to.shutdown(Tcp::socket::shutdown_send, ignored);
        return;
      }
      if (state->frozen) return keep(pair);
      boost::asio::async_write(to, boost::asio::buffer(buffer.data(), size),
                               [state, pair, &from, &to, &buffer](const boost::system::error_code& broken, std::size_t) {
                                 if (!broken) pump(state, pair, from, to, buffer);
                               });
    });
  }
  // Both connections stay open, until one of them is closed by its other end.
  static void keep(const std::shared_ptr<Pair>& pair) {
    pair->near.async_wait(Tcp::socket::wait_error, [pair](const boost::system::error_code&) {});
    pair->far.async_wait(Tcp::socket::wait_error, [pair](const boost::system::error_code&) {});
  }

  std::shared_ptr<State> state_;
};

}  // namespace reliant::tests

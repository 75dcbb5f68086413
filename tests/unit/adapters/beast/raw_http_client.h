// A client that sends bytes as they are to a BeastHttpServer server, for what no HTTP client would send.
#pragma once

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/url.h"
#include "contract/http/http_client_contract_beast.h"
#include "contract/http/http_client_contract_service.h"

namespace reliant::tests {

// A blocking client of raw bytes; the loop runs while it waits.
class RawClient {
 public:
  RawClient(BeastWorld& world, const std::string& address) : world_(world), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const HostPort where = *parse_host_port(address);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(where.port);
    ::inet_pton(AF_INET, where.host.c_str(), &to.sin_addr);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { ::close(fd_); }

  void send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  // Until `part` has come, or the server has closed.
  std::string read_until(std::string_view part) {
    EXPECT_TRUE(world_.run_until([&] {
      read_what_is_there();
      return closed_ || got_.find(part) != std::string::npos;
    }));
    return got_;
  }
  // What has come, and no more than `most` of it.
  std::size_t read_some(std::size_t most) {
    std::string buffer(most, '\0');
    return static_cast<std::size_t>(std::max<ssize_t>(::recv(fd_, buffer.data(), most, MSG_DONTWAIT), 0));
  }
  std::string read_all() {
    EXPECT_TRUE(world_.run_until([&] { return read_what_is_there(), closed_; }));
    return got_;
  }

 private:
  void read_what_is_there() {
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) closed_ = true;
      if (got <= 0) return;
      got_.append(buffer, static_cast<std::size_t>(got));
    }
  }

  BeastWorld& world_;
  int fd_;
  bool closed_ = false;
  std::string got_;
};

class BeastHttpServerTest : public HttpClientContractBase<BeastWorld> {
 protected:
  // Everything that the server says to these bytes until it closes, while its loop idles at 1 ms steps.
  std::string say(std::string_view bytes) {
    ticker();
    RawClient client(world_, listener_->address());
    client.send(bytes);
    return client.read_all();
  }
  // The raw client polls: something has to happen for the loop to look.
  void ticker() { scope_.spawn(tick()); }
  static Task<void> tick() {
    for (;;) co_await sleep_for(std::chrono::milliseconds(1));
  }

  TaskScope scope_{world_.executor(), 0};
};

}  // namespace reliant::tests

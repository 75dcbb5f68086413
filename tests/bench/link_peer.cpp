// link_peer: what tests/support/grpc_peer.cpp does with bare gRPC, done by GrpcLink: measure.py compares the two.
//
//   link_peer serve                              echoes; prints "listening ADDRESS"
//   link_peer ping ADDRESS STREAMS ROUNDS SIZE   prints "p50_us X rate_per_second Y": one message at a time on each stream
//
// It lives until it is killed, or whoever started it ends.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>

#include "adapters/asio_executor.h"
#include "adapters/grpc_link.h"
#include "base/assert.h"
#include "runtime/scope.h"

namespace reliant {
namespace {

using Clock = std::chrono::steady_clock;

std::unique_ptr<adapters::GrpcLinkTransport> open(adapters::AsioExecutor& executor) {
  auto transport = adapters::GrpcLinkTransport::open(executor);
  RELIANT_ASSERT(transport.ok(), "there are no credentials that could be wrong");
  return *std::move(transport);
}

Task<void> echo(std::unique_ptr<ports::AcceptedLink> link) {
  for (;;) {
    auto message = co_await link->receive(kNever);
    if (!message.ok() || !*message) co_return;
    const Status sent = co_await link->send(**std::move(message), kNever);
    if (!sent.ok()) co_return;
  }
}

Task<void> accept_all(ports::LinkListener& listener, TaskScope& sessions) {
  for (;;) {
    auto link = co_await listener.accept();
    if (!link.ok()) co_return;
    sessions.spawn(echo(*std::move(link)));
  }
}

[[noreturn]] void serve() {
  adapters::AsioExecutor executor;
  const auto links = open(executor);
  const auto listener = links->listen("127.0.0.1:0");
  RELIANT_ASSERT(listener.ok(), "there is a free port");
  std::printf("listening %s\n", (*listener)->address().c_str());
  std::fflush(stdout);
  TaskScope tasks(executor, 0);
  TaskScope sessions(executor, 0);
  tasks.spawn(accept_all(**listener, sessions));
  for (;;) executor.run_loop();
}

struct Rounds {
  std::size_t left = 0;
  std::vector<Clock::duration> taken;
};

Task<void> ping_on(ports::LinkTransport& links, std::string address, std::size_t size, Rounds& rounds) {
  auto link = co_await links.connect({std::move(address), "reliant.test.v1.Test/Stream", {}}, kNever);
  RELIANT_ASSERT(link.ok(), "the server listens");
  while (rounds.left > 0) {
    const Clock::time_point sent_at = Clock::now();
    const Status sent = co_await (*link)->send(std::string(size, 'x'), kNever);
    RELIANT_ASSERT(sent.ok(), "the server lives");
    const auto answer = co_await (*link)->receive(kNever);
    RELIANT_ASSERT(answer.ok() && *answer, "the server answers");
    rounds.taken.push_back(Clock::now() - sent_at);
    if (rounds.left > 0) --rounds.left;
  }
}

[[noreturn]] void ping(const std::string& address, std::size_t count, std::size_t total, std::size_t size) {
  adapters::AsioExecutor executor;
  const auto links = open(executor);
  Rounds rounds;
  rounds.left = total;
  TaskScope tasks(executor, 0);
  for (std::size_t i = 0; i < count; ++i) tasks.spawn(ping_on(*links, address, size, rounds));
  const std::size_t warm = total / 10;  // connections are made meanwhile
  executor.run_loop_until([&] { return rounds.left <= total - warm; });
  const Clock::time_point start = Clock::now();
  const std::size_t before = rounds.taken.size();
  executor.run_loop_until([&] { return rounds.left == 0; });
  const std::chrono::duration<double> seconds = Clock::now() - start;
  std::vector<Clock::duration> taken(rounds.taken.begin() + static_cast<std::ptrdiff_t>(before), rounds.taken.end());
  std::nth_element(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(taken.size() / 2), taken.end());
  const std::chrono::duration<double, std::micro> p50 = taken[taken.size() / 2];
  std::printf("p50_us %.1f rate_per_second %.0f\n", p50.count(), static_cast<double>(taken.size()) / seconds.count());
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace
}  // namespace reliant

int main(int count, char** values) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::vector<std::string> arguments(values + 1, values + count);
  const auto number = [&](std::size_t at) {
    return static_cast<std::size_t>(std::strtoull(arguments.at(at).c_str(), nullptr, 10));
  };
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "serve") reliant::serve();
  if (what == "ping" && arguments.size() == 5) reliant::ping(arguments[1], number(2), number(3), number(4));
  std::fprintf(stderr, "link_peer: say serve or ping; see its source\n");
  return 2;
}

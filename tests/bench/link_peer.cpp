// link_peer: what tests/support/grpc_peer.cpp does with bare gRPC, done by GrpcLink: measure.py compares the two.
//
//   link_peer serve                              echoes; prints "listening ADDRESS"
//   link_peer ping ADDRESS STREAMS ROUNDS SIZE   prints "p50_us X rate_per_second Y": one message at a time on each stream
//
// It lives until it is killed, or its parent process ends.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/grpc_link/grpc_link.h"
#include "base/assert.h"
#include "runtime/scope.h"
#include "support/peer.h"

namespace reliant {
namespace {

using tests::PeerRounds;

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

Task<void> ping_on(ports::LinkTransport& links, std::string address, std::size_t size, PeerRounds& rounds) {
  auto link = co_await links.connect({std::move(address), "reliant.test.v1.Test/Stream", {}}, kNever);
  RELIANT_ASSERT(link.ok(), "the server listens");
  while (!rounds.over()) {
    const PeerRounds::Clock::time_point begun = PeerRounds::Clock::now();
    const Status sent = co_await (*link)->send(std::string(size, 'x'), kNever);
    RELIANT_ASSERT(sent.ok(), "the server lives");
    const auto answer = co_await (*link)->receive(kNever);
    RELIANT_ASSERT(answer.ok() && *answer, "the server answers");
    rounds.end_one(begun);
  }
}

[[noreturn]] void ping(const std::string& address, std::size_t count, std::size_t total, std::size_t size) {
  adapters::AsioExecutor executor;
  const auto links = open(executor);
  PeerRounds rounds(total);
  TaskScope tasks(executor, 0);
  for (std::size_t i = 0; i < count; ++i) tasks.spawn(ping_on(*links, address, size, rounds));
  tests::run_rounds(executor, rounds);
}

}  // namespace
}  // namespace reliant

int main(int count, char** values) {
  const reliant::tests::PeerArguments asked(count, values);
  if (asked.say("serve", 0)) reliant::serve();
  if (asked.say("ping", 4)) reliant::ping(asked.text(1), asked.number(2), asked.number(3), asked.number(4));
  std::fprintf(stderr, "link_peer: say serve or ping; see its source\n");
  return 2;
}

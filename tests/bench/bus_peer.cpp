// bus_peer: what nats_peer does with bare nats.c, done by NatsBus: measure.py compares the two.
//
//   bus_peer echo URL SUBJECT                      answers each request with what it says; prints "ready"
//   bus_peer ping URL SUBJECT AT_ONCE ROUNDS SIZE  prints "p50_us X rate_per_second Y": so many requests at a time
//
// It lives until it is killed, or its parent process ends.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/nats/nats_bus.h"
#include "adapters/posix/json_event_log.h"
#include "adapters/posix/os_entropy.h"
#include "adapters/posix/system_clock.h"
#include "base/assert.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "support/peer.h"

namespace reliant {
namespace {

using tests::PeerRounds;

struct Peer {
  explicit Peer(const std::string& url)
      : bus(*adapters::NatsBus::open(executor, log, {.urls = url}, Random(adapters::os_seed()))) {}

  adapters::AsioExecutor executor;
  adapters::SystemClock clock{executor};
  adapters::JsonEventLog log{clock, stderr, {.level = Level::kWarning}};
  std::unique_ptr<adapters::NatsBus> bus;
  TaskScope tasks{executor, 0};
};

ports::BusMessage message(const std::string& subject, std::string payload) {
  ports::BusMessage made;
  made.subject = subject;
  made.payload = std::move(payload);
  return made;
}

Task<void> echo(ports::Bus& bus, std::string subject) {
  ports::SubscribeOptions options;
  options.subject = std::move(subject);
  const auto requests = bus.subscribe(std::move(options));
  RELIANT_ASSERT(requests.ok(), "a bench's subject is a good one");
  const Status heard = co_await bus.flush(kNever);
  RELIANT_ASSERT(heard.ok(), "the server lives");
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    auto request = co_await (*requests)->next(kNever);
    if (!request.ok()) co_return;
    const Status sent = bus.publish(message(request->reply_to, std::move(request->payload)));
    RELIANT_ASSERT(sent.ok(), "the server lives");
  }
}

Task<void> ask(ports::Bus& bus, std::string subject, std::size_t size, PeerRounds& rounds) {
  while (!rounds.over()) {
    const PeerRounds::Clock::time_point begun = PeerRounds::Clock::now();
    const auto answer = co_await bus.request(message(subject, std::string(size, 'x')), kNever);
    RELIANT_ASSERT(answer.ok(), "the peer answers");
    rounds.end_one(begun);
  }
}

Task<void> ask_all(Peer& peer, std::string subject, std::size_t at_once, std::size_t size, PeerRounds& rounds) {
  const Status connected = co_await peer.bus->wait_connected(kNever);
  RELIANT_ASSERT(connected.ok(), "the bus is not closed here");
  for (std::size_t i = 0; i < at_once; ++i) peer.tasks.spawn(ask(*peer.bus, subject, size, rounds));
}

[[noreturn]] void serve(const std::string& url, const std::string& subject) {
  Peer peer(url);
  peer.tasks.spawn(echo(*peer.bus, subject));
  for (;;) peer.executor.run_loop();
}

[[noreturn]] void ping(const tests::PeerArguments& asked) {
  Peer peer(asked.text(1));
  PeerRounds rounds(asked.number(4));
  peer.tasks.spawn(ask_all(peer, asked.text(2), asked.number(3), asked.number(5), rounds));
  tests::run_rounds(peer.executor, rounds);
}

}  // namespace
}  // namespace reliant

int main(int count, char** values) {
  const reliant::tests::PeerArguments asked(count, values);
  if (asked.say("echo", 2)) reliant::serve(asked.text(1), asked.text(2));
  if (asked.say("ping", 5)) reliant::ping(asked);
  std::fprintf(stderr, "bus_peer: say echo or ping; see its source\n");
  return 2;
}

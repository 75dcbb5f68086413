// tool_peer NATS_URL DATABASE_URL USER DAEMON FILE AT_ONCE ROUNDS: tool calls as a worker makes them (router/nats_daemon_router.h),
// from its process to a daemon and back: `view` of FILE, so many at a time; without a FILE (""), `bash` of true, which the gateway and the
// daemon write down. Prints "p50_us X rate_per_second Y".
//
// What a worker does around a call (activities, its own rows in the store) is not in it.
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
#include "base/text.h"
#include "bench_signer.h"
#include "router/nats_daemon_router.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "support/peer.h"

namespace reliant {
namespace {

using tests::PeerRounds;

constexpr Duration kCallTimeout = std::chrono::seconds(10);

[[noreturn]] void give_up(std::string_view what, const Status& status) {
  std::fprintf(stderr, "tool_peer: %s: %s\n", std::string(what).c_str(), std::string(message_of(status)).c_str());
  std::exit(1);
}

// Neither tool writes any.
class NoOutput final : public router::OutputSink {
 public:
  Task<void> on_output(std::uint64_t, std::string, bool) override { co_return; }
  std::uint64_t last_chunk() const override { return 0; }
};

struct Bench {
  Bench(const std::string& url, const std::string& database_url, std::size_t total)
      : random(adapters::os_seed()),
        bus(*adapters::NatsBus::open(executor, log, {.urls = url}, Random(random.next()))),
        keys(executor, clock, log, database_url),
        router(*bus, clock, keys.signer()),
        rounds(total) {}

  Instant soon() const { return after(clock.now(), kCallTimeout); }

  adapters::AsioExecutor executor;
  adapters::SystemClock clock{executor};
  adapters::JsonEventLog log{clock, stderr, {.level = Level::kWarning}};
  Random random;
  std::unique_ptr<adapters::NatsBus> bus;
  tests::BenchSigner keys;
  router::NatsDaemonRouter router;
  model::ToolRequest request;  // of all of them, but for the id
  PeerRounds rounds;
  TaskScope tasks{executor, 0};
};

Task<void> call_again_and_again(Bench& bench) {
  NoOutput output;
  while (!bench.rounds.over()) {
    model::ToolRequest request = bench.request;
    request.id = RequestId(concat("bench-", bench.random.hex(24)));
    const PeerRounds::Clock::time_point begun = PeerRounds::Clock::now();
    const auto result = co_await bench.router.execute(std::move(request), output, bench.soon());
    if (!result.ok()) give_up("a call failed", result.status());
    if (result->is_error) give_up("the tool failed", internal_error(result->content));
    bench.rounds.end_one(begun);
  }
}

Task<void> call_all(Bench& bench, std::size_t at_once) {
  if (const Status connected = co_await bench.bus->wait_connected(bench.soon()); !connected.ok()) give_up("NATS", connected);
  for (std::size_t i = 0; i < at_once; ++i) bench.tasks.spawn(call_again_and_again(bench));
}

[[noreturn]] void run(const tests::PeerArguments& asked) {
  Bench bench(asked.text(0), asked.text(1), asked.number(6));
  bench.request.user = UserId(asked.text(2));
  bench.request.daemon = DaemonId(asked.text(3));
  bench.request.chat = ChatId("bench");
  bench.request.call = ToolCallId("bench");
  const bool reads = !asked.text(4).empty();
  bench.request.tool = reads ? "view" : "bash";
  bench.request.arguments = reads ? concat(R"({"path":")", asked.text(4), R"("})") : R"({"command":"true"})";
  bench.request.effect = reads ? model::Effect::kReadOnly : model::Effect::kNonIdempotent;
  bench.tasks.spawn(call_all(bench, asked.number(5)));
  tests::run_rounds(bench.executor, bench.rounds);
}

}  // namespace
}  // namespace reliant

int main(int count, char** values) {
  const reliant::tests::PeerArguments asked(count, values);
  if (count == 8) reliant::run(asked);
  std::fprintf(stderr, "tool_peer NATS_URL DATABASE_URL USER DAEMON FILE AT_ONCE ROUNDS\n");
  return 2;
}

// The real world of the bus contract: a nats-server, of its own for each test unless it is given one, and two clients; for the
// contract of the lanes a third, a clock and a context.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/nats/nats_bus.h"
#include "adapters/posix/system_clock.h"
#include "base/assert.h"
#include "contract/bus/bus_contract_log.h"
#include "runtime/scope.h"
#include "support/nats_server.h"
#include "support/started.h"

namespace reliant::tests {

class NatsWorld {
 public:
  static constexpr bool kRealTime = true;

  explicit NatsWorld(const std::string& configuration = "", const adapters::NatsOptions& options = {})
      : own_(std::make_unique<NatsServer>(configuration)),
        server_(*own_),
        one_(connect(options, 1)),
        two_(connect(options, 2)) {}
  NatsWorld(NatsServer& server, std::uint64_t seed)
      : server_(server), one_(connect({}, 2 * seed)), two_(connect({}, 2 * seed + 1)) {}

  Executor& executor() { return executor_; }
  adapters::AsioExecutor& asio_executor() { return executor_; }
  adapters::NatsBus& one() { return *one_; }
  adapters::NatsBus& two() { return *two_; }
  // Made when it is first asked for; flush() waits until it is connected.
  adapters::NatsBus& three() {
    if (!three_) three_ = connect({}, 3);
    return *three_;
  }
  Clock& clock() { return clock_; }
  Context& context() { return scope_.context(); }
  NatsServer& server() { return server_; }
  CountingLog& log() { return log_; }
  bool run_until(const std::function<bool()>& done) { return executor_.run_loop_until(done, std::chrono::seconds(40)); }
  bool run(Task<void> test) {
    bool ended = false;
    if (!run_until([this] { return one_->connected() && two_->connected(); })) return false;
    scope_.spawn(marked(std::move(test), ended));
    return run_until([&] { return ended; });
  }
  std::unique_ptr<adapters::NatsBus> connect(adapters::NatsOptions options, std::uint64_t seed) {
    if (options.urls.empty()) options.urls = server_.url();
    auto bus = adapters::NatsBus::open(executor_, log_, std::move(options), Random(seed));
    RELIANT_ASSERT(bus.ok(), "the URL of a test's own server is a good one");
    return *std::move(bus);
  }

 private:
  std::unique_ptr<NatsServer> own_;
  NatsServer& server_;
  adapters::AsioExecutor executor_;
  adapters::SystemClock clock_{executor_};
  CountingLog log_;
  std::unique_ptr<adapters::NatsBus> one_;
  std::unique_ptr<adapters::NatsBus> two_;
  std::unique_ptr<adapters::NatsBus> three_;
  TaskScope scope_{executor_, 0};
};

}  // namespace reliant::tests

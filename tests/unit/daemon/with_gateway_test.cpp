// A daemon and a real gateway: whatever dies, a request has one honest end, and what the server believes is
// what happened.
#include <algorithm>
#include <chrono>
#include <deque>

#include "daemon/daemon.h"
#include "runtime/sleep.h"
#include "tools/standard_tools.h"
#include "unit/gateway/gateway_world.h"
#include "world/sim_filesystem.h"
#include "world/sim_process.h"

namespace reliant::daemon {
namespace {

using namespace std::chrono_literals;
using gateway::GatewayWorld;
using model::Outcome;

// What survives the daemon's process.
struct Machine {
  Machine() { EXPECT_TRUE(machine.disk.make_directories("/project").ok()); }
  sim::SimMachine machine;
  std::unique_ptr<adapters::SqliteDatabase> journal = *adapters::SqliteDatabase::open(":memory:");
};

Task<void> be_daemon(sim::Node& node, Machine& home, ports::LinkTransport& links, std::string token) {
  sim::SimProcesses processes(home.machine, node.random("processes"));
  sim::SimFilesystem filesystem(home.machine.disk, home.machine.disk_faults, node.random("disk"));
  tools::ToolRegistry tools = tools::make_standard_tools(processes, filesystem);
  DaemonOptions options;
  options.id = DaemonId("d1");
  options.name = "laptop";
  options.gateway_addresses = {std::string(gateway::kAddress)};
  options.token = std::move(token);
  options.working_directory = "/project";
  Daemon daemon(node.context(), node.clock(), node.random("daemon"), node.log(), links, tools, processes, *home.journal,
                options);
  (void)co_await daemon.run();
}

// A caller as the worker is one: asks with the same id until there is an answer.
struct Caller {
  gateway::Call call;
  std::optional<model::ToolResult> result;

  static Task<void> ask(Caller& self, GatewayWorld& world, model::ToolRequest request) {
    for (;;) {
      auto answer = co_await world.gateway.execute(request, self.call, after(world.node.clock().now(), 20s));
      if (answer.ok()) {
        self.result = *std::move(answer);
        co_return;
      }
      co_await sleep_for(500ms);
    }
  }
};

class DaemonWithGateway : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(DaemonWithGateway, GivesEveryRequestOneHonestEnd) {
  Machine home;
  std::deque<Caller> callers;
  GatewayWorld world(GetParam());
  sim::Node& node = world.simulation.add_node("daemon-1");
  const std::string token = world.token;
  node.start([&](sim::Node& self) { return be_daemon(self, home, world.links, token); });
  Random random = world.simulation.random("faults");
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(concat("req_", i));
    model::ToolRequest request = world.request(ids.back());
    request.arguments = R"({"command":"echo a; append /log x; sleep 0.7; echo b; sleep 0.7; echo c; append /log y; echo d"})";
    world.simulation.world().spawn(Caller::ask(callers.emplace_back(), world, request));
    world.run_for(random.duration(0s, 1s));
    const auto fault = random.below(4);
    if (fault == 0) {
      node.restart();
    } else if (fault == 1) {
      node.crash();
      world.run_for(random.duration(0s, 3s));
      node.restart();
    }
  }
  const bool all = world.simulation.run_until(
      [&] { return std::all_of(callers.begin(), callers.end(), [](const Caller& c) { return c.result.has_value(); }); },
      world.simulation.now() + 10min);
  ASSERT_TRUE(all) << "a request was never answered";
  EXPECT_EQ(world.simulation.failure().error(), nullptr);
  EXPECT_EQ(world.simulation.trace().errors(), 0u);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const model::ToolResult& result = *callers[i].result;
    const std::size_t first = home.machine.effects.count(ids[i], "append /log x");
    const std::size_t second = home.machine.effects.count(ids[i], "append /log y");
    EXPECT_LE(first, 1u) << ids[i];
    EXPECT_LE(second, first) << ids[i];
    if (result.outcome == Outcome::kExecuted) EXPECT_EQ(second, 1u) << ids[i];
    if (result.outcome == Outcome::kNotExecuted) EXPECT_EQ(first, 0u) << ids[i];
    if (result.outcome == Outcome::kExecuted) EXPECT_EQ(result.content, "a\nb\nc\nd\n");
    if (callers[i].call.gaps == 0) EXPECT_TRUE(std::string("a\nb\nc\nd\n").starts_with(callers[i].call.output));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DaemonWithGateway, ::testing::Range<std::uint64_t>(1, 41));

}  // namespace
}  // namespace reliant::daemon

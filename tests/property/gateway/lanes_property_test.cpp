// Any sequence of requests on any lanes, while the daemon moves from gateway to gateway: every call that finds a holder
// is answered by it, whatever the lane; every other one learns that there is none; each request has one effect; and nothing
// is passed on more than once (C3, C4, C7).
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "adapters/memory/memory_bus.h"
#include "contract/bus/bus_contract_lanes.h"
#include "kernel/simulation.h"

namespace reliant::tests {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BusLanesContract);  // it is tests/contract that does

namespace {

struct Lanes {
  explicit Lanes(std::uint64_t seed) : simulation(seed), server(Random(seed)) {
    first.name = "g1";
    second.name = "g2";
    first.effects = second.effects = &effects;
  }
  ~Lanes() { simulation.shutdown(); }

  // 0: no gateway holds the daemon from now on.
  void move_to(int gateway) {
    for (auto* sessions : {&first, &second}) sessions->daemons.clear();
    bridge_one.session_closed(identity);
    bridge_two.session_closed(identity);
    holder = gateway;
    ++identity.epoch;
    if (gateway == 0) return;
    ScriptedSessions& sessions = gateway == 1 ? first : second;
    sessions.daemons[{identity.user, identity.daemon}] = identity.epoch;
    (gateway == 1 ? bridge_one : bridge_two).session_opened(identity);
  }

  Task<void> call(Lane lane) {
    const auto router = sim::router_on(lane, three, clock, keys.signer());
    model::ToolRequest request;
    request.id = RequestId(concat("req_", ++calls));
    request.user = identity.user;
    request.daemon = identity.daemon;
    request.chat = ChatId("c1");
    request.call = ToolCallId("t1");
    request.tool = "bash";
    request.arguments = "{}";
    LaneSink sink;
    const int asked = first.asked + second.asked;
    auto result = co_await router->execute(std::move(request), sink, after(clock.now(), std::chrono::minutes(1)));
    RC_ASSERT(result.ok() == (holder != 0));
    // On tools.request.sync.{user}, a gateway that comes to hold the daemon may take an older message of its own then, too:
    // that request is the daemon's journal's to know (C7).
    RC_ASSERT(first.asked + second.asked >= asked + (holder != 0 ? 1 : 0));
    if (!result.ok()) {
      RC_ASSERT(reason_of(result.status()) == (lane == Lane::kUserSync ? router::kReasonDaemonSilent : kReasonDaemonOffline));
      co_return;
    }
    RC_ASSERT(result->content == (holder == 1 ? "done by g1" : "done by g2"));
    RC_ASSERT(sink.output == "output");
  }

  sim::Simulation simulation;
  sim::SimClock clock{simulation.executor(), 0};
  adapters::MemoryBusServer server;
  adapters::MemoryBus one{server};
  adapters::MemoryBus two{server};
  adapters::MemoryBus three{server};
  CountingLog log;
  std::map<RequestId, int> effects;  // on the machine, whichever gateway it was
  ScriptedSessions first;
  ScriptedSessions second;
  gateway::SessionIdentity identity{UserId("u1"), DaemonId("d1"), 0, GatewayId("g")};
  int holder = 0;
  int calls = 0;
  BusKeys keys{simulation.world().context(), clock, log};
  gateway::NatsToolBridge bridge_one{simulation.world().context(), clock, log, one, first, keys.ring(), Random(11)};
  gateway::NatsToolBridge bridge_two{simulation.world().context(), clock, log, two, second, keys.ring(), Random(12)};
};

Task<void> play(Lanes& lanes, std::vector<std::pair<int, int>> steps, bool& ended) {
  for (const auto& [gateway, lane] : steps) {
    if (gateway >= 0) lanes.move_to(gateway);
    co_await lanes.call(kLanes[lane]);
  }
  ended = true;
}

RC_GTEST_PROP(Lanes, EveryCallIsAnsweredByTheHolderAndPassedOnAtMostOnce, ()) {
  const auto seed = *rc::gen::inRange<std::uint64_t>(1, 1'000'000);
  // To which gateway the daemon moves first (-1: it stays), and on which lane the call is made.
  const auto steps =
      *rc::gen::container<std::vector<std::pair<int, int>>>(rc::gen::pair(rc::gen::inRange(-1, 3), rc::gen::inRange(0, 3)));
  Lanes lanes(seed);
  bool ended = false;
  lanes.simulation.world().spawn(play(lanes, steps, ended));
  lanes.simulation.run_until([&] { return ended; }, after(lanes.simulation.now(), std::chrono::hours(10)));
  if (const auto& failure = lanes.simulation.failure(); failure.error()) std::rethrow_exception(failure.error());
  RC_ASSERT(ended);
  for (const auto& [request, count] : lanes.effects) RC_ASSERT(count == 1);
  RC_ASSERT(lanes.log.most_hops() <= model::kMaxHops);
}

}  // namespace
}  // namespace reliant::tests

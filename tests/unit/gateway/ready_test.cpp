#include "gateway_world.h"

namespace reliant::gateway {
namespace {

Task<void> stop(Gateway& gateway, Instant deadline) { co_await gateway.stop(deadline); }

TEST(GatewayReady, FailsBeforeItListens) {
  GatewayWorld world(1);
  Gateway gateway(world.node.context(), world.node.clock(), world.node.log(), world.links, world.records,
                  {.id = GatewayId("g2"), .listen_address = "gateway-2:9190"});
  EXPECT_EQ(gateway.ready(), unavailable("it does not listen for daemons yet"));
  GatewayWorld::store_ok(finish(world.simulation, gateway.start()));
  EXPECT_TRUE(gateway.ready().ok());
}

TEST(GatewayReady, FailsWhenThePortIsInUse) {
  GatewayWorld world(1);
  Gateway gateway(world.node.context(), world.node.clock(), world.node.log(), world.links, world.records,
                  {.id = GatewayId("g2"), .listen_address = std::string(kAddress)});
  EXPECT_EQ(finish(world.simulation, gateway.start()).code(), StatusCode::kAlreadyExists);
  EXPECT_FALSE(gateway.ready().ok());
}

TEST(GatewayReady, FailsWhileItDrains) {
  GatewayWorld world(1);
  const auto link = world.connected();
  EXPECT_TRUE(world.gateway.ready().ok());
  world.simulation.world().spawn(stop(world.gateway, world.simulation.now() + 10s));
  ASSERT_TRUE(world.simulation.run_until([&] { return !world.gateway.ready().ok(); }, world.simulation.now() + 1s));
  EXPECT_EQ(world.gateway.session_count(), 1u) << "it still serves who has not gone";
  EXPECT_EQ(message_of(world.gateway.ready()), "its daemons are being sent on");
  world.run_for(11s);
  EXPECT_FALSE(world.gateway.ready().ok());
}

}  // namespace
}  // namespace reliant::gateway

#include "gateway_world.h"

namespace reliant::gateway {
namespace {

class RegistrationTest : public testing::Test {
 protected:
  // Comes in, says who it is, and then nothing: it holds its place for as long as a registration may take.
  std::unique_ptr<ports::Link> silent() {
    ports::LinkTarget target;
    target.address = kAddress;
    target.method = "reliant.tools.v1.ToolsDaemonService/Connect";
    target.metadata["authorization"] = "Bearer " + world_.token;
    return *finish(world_.simulation, world_.links.connect(std::move(target), kNever));
  }
  Status refused(const std::string& daemon) {
    std::unique_ptr<ports::Link> link;
    return finish(world_.simulation, world_.connect(link, daemon, world_.token)).status();
  }

  GatewayWorld world_{1};
};

TEST_F(RegistrationTest, TellsACrowdWhenToComeAgainEachSomewhatLater) {
  std::vector<std::unique_ptr<ports::Link>> crowd;
  for (std::size_t i = 0; i < GatewayOptions().max_registrations; ++i) crowd.push_back(silent());
  world_.run_for(1ms);
  const Status first = refused("d1");
  const Status second = refused("d2");
  EXPECT_EQ(first.code(), StatusCode::kResourceExhausted);
  EXPECT_GT(retry_after_of(first), Duration::zero());
  EXPECT_GT(retry_after_of(second), retry_after_of(first));
  for (int i = 0; i < 10'000; ++i) EXPECT_LE(retry_after_of(refused("d3")), Gateway::kLongestWait);
  world_.run_for(Gateway::kRegistrationTime);
  EXPECT_TRUE(refused("d1").ok()) << "those who said nothing have lost their places";
}

TEST_F(RegistrationTest, RenewsThePresenceOfItsDaemonsWithinABeat) {
  auto one = world_.connected("d1");
  world_.run_for(7s);
  auto two = world_.connected("d2");
  WallTime before = world_.stored_daemon("d1").last_seen;
  for (int beats = 0; beats < 10; ++beats) {
    proto::DaemonFrame frame;
    frame.mutable_heartbeat();
    world_.send(*one, frame);
    world_.send(*two, frame);
    world_.run_for(model::kGatewayHeartbeat / 2);
    const WallTime now = world_.node.clock().wall_now();
    EXPECT_LE(now - world_.stored_daemon("d1").last_seen, model::kGatewayHeartbeat);
    EXPECT_LE(now - world_.stored_daemon("d2").last_seen, model::kGatewayHeartbeat);
  }
  EXPECT_GT(world_.stored_daemon("d1").last_seen, before);
}

TEST_F(RegistrationTest, EndsTheStreamsOfARevokedTokenSoonAndNoOthers) {
  const std::string other = auth::make_token(std::array<std::byte, auth::kTokenBytes>{std::byte{1}});
  const auto token = finish(world_.simulation, world_.store.tokens().create(world_.user, "laptop", other, kNever));
  auto keeps = world_.connected("d1");
  std::unique_ptr<ports::Link> loses;
  ASSERT_TRUE(finish(world_.simulation, world_.connect(loses, "d2", other)).ok());
  GatewayWorld::store_ok(finish(world_.simulation, world_.store.tokens().revoke(world_.user, token->id, kNever)));
  world_.run_for(Gateway::kTokensLookedUpEvery);
  const Status ended = world_.frame_of(*loses).status();
  EXPECT_EQ(ended.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(ended), kReasonTokenRevoked);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d2")));
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1")));
}

}  // namespace
}  // namespace reliant::gateway

#include "gateway/stream_limits.h"

#include "gateway_world.h"
#include "router/local_daemon_router.h"

namespace reliant::gateway {
namespace {

class StreamLimitsTest : public testing::Test {
 protected:
  static std::string result(const std::string& request, std::size_t bytes) {
    proto::DaemonFrame frame;
    frame.mutable_tool_finished()->set_request_id(request);
    frame.mutable_tool_finished()->set_outcome(proto::OUTCOME_EXECUTED);
    frame.mutable_tool_finished()->set_content(std::string(bytes, 'r'));
    return frame.SerializeAsString();
  }
  // The number of 50 large, unrequested results that the gateway reads without the store's answer.
  int taken(ports::Link& link) {
    int taken = 0;
    for (int i = 0; i < 50; ++i) {
      const Instant soon = after(world_.simulation.now(), 10ms);
      taken += finish(world_.simulation, link.send(result("req_x", 1 << 20), soon)).ok() ? 1 : 0;
    }
    return taken;
  }
  Result<model::ToolResult> result_of_a_call(ports::Link& link, model::Effect effect, std::size_t bytes) {
    Call call;
    model::ToolRequest request = world_.request("req_1");
    request.effect = effect;
    world_.simulation.world().spawn(call.run(router_, std::move(request), kNever));
    EXPECT_TRUE(world_.frame_of(link)->has_execute_tool());
    GatewayWorld::store_ok(finish(world_.simulation, link.send(result("req_1", bytes), kNever)));
    world_.run_for(1s);
    EXPECT_TRUE(call.result.has_value());
    return call.result.value_or(unavailable("no result"));
  }

  GatewayWorld world_{1};
  router::LocalDaemonRouter router_{world_.gateway};
};

// A frozen database once let a daemon fill the gateway's memory: 1.6 GB in eight seconds.
TEST_F(StreamLimitsTest, ASlowStorePausesReadsOfTheStream) {
  auto link = world_.connected();
  world_.freezable.freeze();
  EXPECT_LE(taken(*link), 4) << "two wait for the store, one for its turn, one to be read";
  world_.freezable.thaw();
  world_.run_for(5s);
  EXPECT_GE(taken(*link), 1) << "it is read on";
}

TEST_F(StreamLimitsTest, UnrequestedResultsAreRateLimited) {
  auto link = world_.connected();
  EXPECT_LE(taken(*link), 4) << "in half a second: each keeps its share for one";
  world_.run_for(10s);
  EXPECT_GE(taken(*link), 1);
}

TEST_F(StreamLimitsTest, PendingResultsOfAUserAreBoundedOverAllDaemons) {
  std::vector<std::unique_ptr<ports::Link>> links;
  for (int i = 0; i < 8; ++i) links.push_back(world_.connected("d" + std::to_string(i)));
  world_.freezable.freeze();
  int sum = 0;
  for (const auto& link : links) sum += taken(*link);
  EXPECT_LE(sum, 4 + 8 * 3) << "four wait for the store, and of each stream two for their turn and one to be read";
  world_.freezable.thaw();
  world_.run_for(30s);
  EXPECT_GE(taken(*links.front()), 1) << "it is read on";
}

TEST_F(StreamLimitsTest, ContentAboveTheLimitIsCutAndBecomesAnError) {
  auto link = world_.connected();
  for (const model::Effect effect : {model::Effect::kNonIdempotent, model::Effect::kReadOnly}) {
    const auto cut = result_of_a_call(*link, effect, kMaxContent + 1);
    ASSERT_TRUE(cut.ok()) << cut.status();
    EXPECT_TRUE(cut->is_error);
    EXPECT_LE(cut->content.size(), kMaxContent);
    EXPECT_NE(cut->content.find("bytes left out"), std::string::npos);
    link = world_.connected();
  }
}

TEST_F(StreamLimitsTest, ContentAtTheLimitIsUnchanged) {
  auto link = world_.connected();
  const auto whole = result_of_a_call(*link, model::Effect::kReadOnly, kMaxContent);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_FALSE(whole->is_error);
  EXPECT_EQ(whole->content.size(), kMaxContent);
}

TEST_F(StreamLimitsTest, AMessageOrAChunkAboveTheLimitEndsTheStream) {
  auto link = world_.connected();
  GatewayWorld::store_ok(finish(world_.simulation, link->send(result("req_1", kMaxMessage), kNever)));
  EXPECT_EQ(world_.frame_of(*link).status().code(), StatusCode::kResourceExhausted);
  link = world_.connected();
  world_.send_output(*link, "req_1", 1, std::string(kMaxChunk + 1, 'o'));
  EXPECT_EQ(world_.frame_of(*link).status().code(), StatusCode::kResourceExhausted);
}

// What a daemon sends beyond its rate waits in the stream; nothing is lost, and the stream does not end.
TEST_F(StreamLimitsTest, FramesAreRateLimited) {
  GatewayOptions options{GatewayId("g2"), "gateway-2:9190"};
  options.frames = {.per_second = 100, .at_once = 50};
  Gateway slow(world_.node.context(), world_.node.clock(), world_.node.log(), world_.links, world_.records, options);
  GatewayWorld::store_ok(finish(world_.simulation, slow.start()));
  world_.address = "gateway-2:9190";
  auto link = world_.connected();
  router::LocalDaemonRouter router(slow);
  Call call;
  model::ToolRequest request = world_.request("req_1");
  request.effect = model::Effect::kReadOnly;
  world_.simulation.world().spawn(call.run(router, std::move(request), kNever));
  EXPECT_TRUE(world_.frame_of(*link)->has_execute_tool());
  const Instant begun = world_.simulation.now();
  const auto flood = [](ports::Link& into, std::string last) -> Task<Status> {
    proto::DaemonFrame beat;
    beat.mutable_heartbeat();
    for (int i = 0; i < 1050; ++i) CO_TRY_OK(co_await into.send(beat.SerializeAsString(), kNever));
    co_return co_await into.send(std::move(last), kNever);
  };
  GatewayWorld::store_ok(finish(world_.simulation, flood(*link, result("req_1", 5))));
  world_.simulation.run_until([&] { return call.result.has_value(); }, world_.simulation.now() + 1h);
  ASSERT_TRUE(call.result.has_value() && call.result->ok());
  EXPECT_GE(world_.simulation.now() - begun, 4s) << "one in 10 ms, and besides one a pause";
  EXPECT_LE(world_.simulation.now() - begun, 12s);
  EXPECT_TRUE(slow.holds(world_.user, DaemonId("d1")));
}

TEST(StreamLimits, TextIsCutBetweenCharacters) {
  EXPECT_EQ(beginning_of("a\u00e9", 2), "a");
  EXPECT_EQ(beginning_of("a\u00e9", 3), "a\u00e9");
  EXPECT_EQ(beginning_of("abc", 2), "ab");
}

}  // namespace
}  // namespace reliant::gateway

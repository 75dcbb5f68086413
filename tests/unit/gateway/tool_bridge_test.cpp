#include "adapters/memory_bus.h"
#include "gateway/tool_bridge.h"
#include "gateway_world.h"
#include "model/subject.h"
#include "router/nats_daemon_router.h"

namespace reliant::gateway {
namespace {

class ToolBridgeTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  ToolBridgeTest() { world_.gateway.set_observer(bridge_); }

  void start(Call& call, model::ToolRequest request, Instant deadline) {
    world_.simulation.world().spawn(call.run(router_, std::move(request), deadline));
  }
  Instant in(Duration duration) { return world_.simulation.now() + duration; }

  GatewayWorld world_{GetParam()};
  adapters::MemoryBusServer server_{world_.simulation.random("bus"), 16 * 1024};
  adapters::MemoryBus gateway_bus_{server_};
  adapters::MemoryBus worker_bus_{server_};
  NatsToolBridge bridge_{world_.node.context(), world_.node.clock(), world_.node.log(), gateway_bus_, world_.gateway};
  router::NatsDaemonRouter router_{worker_bus_, world_.node.clock()};
};

TEST_P(ToolBridgeTest, CarriesRequestOutputAndResult) {
  auto link = world_.connected();
  Call call;
  start(call, world_.request("req_1"), in(1min));
  EXPECT_EQ(world_.frame_of(*link)->execute_tool().request_id(), "req_1");
  world_.send_output(*link, "req_1", 1, "one\n");
  world_.send_output(*link, "req_1", 2, std::string("\xff\x00\x80", 3));  // output need not be text
  world_.send_result(*link, "req_1", "ok");
  world_.run_for(1s);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ((*call.result)->content, "ok");
  EXPECT_EQ(call.output, "one\n" + std::string("\xff\x00\x80", 3));
}

TEST_P(ToolBridgeTest, ADaemonThatNobodyHoldsIsOfflineAtOnce) {
  Call call;
  start(call, world_.request("req_1"), in(1min));
  world_.run_for(1ms);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ(reason_of(call.result->status()), kReasonDaemonOffline);
  EXPECT_FALSE(*finish(world_.simulation, router_.online(world_.user, DaemonId("d1"), in(1s))));
}

TEST_P(ToolBridgeTest, ADaemonThatHasGoneIsOfflineAgain) {
  auto link = world_.connected();
  world_.run_for(1s);
  EXPECT_TRUE(*finish(world_.simulation, router_.online(world_.user, DaemonId("d1"), in(1s))));
  link->cancel();
  world_.run_for(1s);
  EXPECT_FALSE(*finish(world_.simulation, router_.online(world_.user, DaemonId("d1"), in(1s))));
}

TEST_P(ToolBridgeTest, ContentLargerThanAMessageArrivesWhole) {
  auto link = world_.connected();
  Call call;
  start(call, world_.request("req_1"), in(1min));
  ASSERT_TRUE(world_.frame_of(*link).ok());
  std::string large;
  for (int i = 0; i < 20'000; ++i) large += "line " + std::to_string(i) + "\n";
  world_.send_result(*link, "req_1", large);
  world_.run_for(1s);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ((*call.result)->content, large);
}

// A gateway whose connection to the bus broke in the middle: the bus loses what is published meanwhile, and nobody is told.
TEST_P(ToolBridgeTest, AnAnswerOfWhichAPieceIsMissingIsNoAnswer) {
  using model::ToolDone;
  using model::ToolOutputChunk;
  using model::ToolReply;
  using model::ToolResultPart;
  const model::ToolResult end{model::Outcome::kExecuted, false, "three", 0, 0};
  struct Case {
    std::vector<ToolReply> replies;
    std::string output;
    std::string content;  // empty: it is to be asked for again
  };
  const std::vector<Case> cases = {
      {{ToolOutputChunk{1, "one", false, true, 0}, ToolOutputChunk{1, "two", false, false, 3}, ToolResultPart{"one", 0},
        ToolResultPart{"two", 3}, ToolDone{end, 6}},
       "onetwo", "onetwothree"},
      {{ToolResultPart{"two", 3}, ToolDone{end, 6}}, "", ""},
      {{ToolResultPart{"one", 0}, ToolDone{end, 6}}, "", ""},
      {{ToolDone{end, 6}}, "", ""},
      {{ToolOutputChunk{1, "two", false, false, 3}, ToolDone{end, 0}}, "", ""},
      {{ToolOutputChunk{1, "one", false, true, 0}, ToolOutputChunk{1, "three", false, false, 6}, ToolDone{end, 0}}, "", ""},
      {{ToolOutputChunk{1, "one", false, true, 0}, ToolOutputChunk{2, "two", false, false, 0}, ToolDone{end, 0}}, "", ""},
  };
  ports::SubscribeOptions requests;
  requests.subject = model::daemon_subject(model::DaemonSubject::kToolRequestSync, world_.user, DaemonId("by_hand"));
  const auto heard = *gateway_bus_.subscribe(std::move(requests));
  for (const Case& one : cases) {
    Call call;
    model::ToolRequest request = world_.request("req_1");
    request.daemon = DaemonId("by_hand");
    start(call, std::move(request), in(1min));
    const auto asked = finish(world_.simulation, heard->next(in(1s)));
    ASSERT_TRUE(asked.ok());
    for (const ToolReply& reply : one.replies) {
      ports::BusMessage message;
      message.subject = asked->reply_to;
      message.payload = model::encode(reply);
      ASSERT_TRUE(gateway_bus_.publish(std::move(message)).ok());
    }
    world_.run_for(1s);
    ASSERT_TRUE(call.result.has_value());
    EXPECT_EQ(call.output, one.output);
    EXPECT_EQ(call.result->ok() ? (*call.result)->content : "", one.content);
    EXPECT_EQ(call.result->status().code(), one.content.empty() ? StatusCode::kUnavailable : StatusCode::kOk);
  }
}

TEST_P(ToolBridgeTest, ALongRunIsKnownToBeAliveAndASilentGatewayIsNot) {
  auto link = world_.connected();
  Call call;
  start(call, world_.request("req_1"), in(10min));
  ASSERT_TRUE(world_.frame_of(*link).ok());
  world_.run_for(25s);
  EXPECT_FALSE(call.result.has_value());
  finish(world_.simulation, gateway_bus_.drain(in(1s))).IgnoreError();
  world_.run_for(router::NatsDaemonRouter::kSilence + 1s);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ(call.result->status().code(), StatusCode::kUnavailable);
}

TEST_P(ToolBridgeTest, ARequestThatComesAfterItsDeadlineIsNotStarted) {
  auto link = world_.connected();
  model::ToolExecutionRequest late;
  late.request = world_.request("req_1");
  late.deadline_ms = 1;
  ports::BusMessage message;
  message.subject = model::daemon_subject(model::DaemonSubject::kToolRequestSync, world_.user, DaemonId("d1"));
  message.payload = model::encode(late);
  auto reply = finish(world_.simulation, worker_bus_.request(std::move(message), in(1s)));
  ASSERT_TRUE(reply.ok());
  auto decoded = model::decode_tool_reply(reply->payload);
  ASSERT_TRUE(decoded.ok());
  ASSERT_TRUE(std::holds_alternative<model::ToolRefused>(*decoded));
  EXPECT_EQ(std::get<model::ToolRefused>(*decoded).status.code(), StatusCode::kDeadlineExceeded);
}

TEST_P(ToolBridgeTest, ABodyThatNamesAnotherDaemonThanItsSubjectIsRefused) {
  auto link = world_.connected();
  model::ToolExecutionRequest foreign;
  foreign.request = world_.request("req_1");
  foreign.request.user = UserId("u2");
  foreign.deadline_ms = std::int64_t{1} << 60;
  ports::BusMessage message;
  message.subject = model::daemon_subject(model::DaemonSubject::kToolRequestSync, world_.user, DaemonId("d1"));
  message.payload = model::encode(foreign);
  auto reply = finish(world_.simulation, worker_bus_.request(std::move(message), in(1s)));
  ASSERT_TRUE(reply.ok());
  auto decoded = model::decode_tool_reply(reply->payload);
  ASSERT_TRUE(decoded.ok() && std::holds_alternative<model::ToolRefused>(*decoded));
  EXPECT_EQ(std::get<model::ToolRefused>(*decoded).status.code(), StatusCode::kPermissionDenied);
}

TEST_P(ToolBridgeTest, CancelReachesTheDaemonAndComesBackConfirmed) {
  auto link = world_.connected();
  std::optional<Status> answer;
  const auto cancel = [](router::DaemonRouter& router, UserId user, Instant deadline,
                         std::optional<Status>& out) -> Task<void> {
    out.emplace(co_await router.cancel(user, DaemonId("d1"), RequestId("req_1"), deadline));
  };
  world_.simulation.world().spawn(cancel(router_, world_.user, in(5s), answer));
  EXPECT_EQ(world_.frame_of(*link)->cancel_tool().request_id(), "req_1");
  EXPECT_FALSE(answer.has_value());
  proto::DaemonFrame done;
  done.mutable_cancel_done()->set_request_id("req_1");
  world_.send(*link, done);
  world_.run_for(1s);
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->ok()) << *answer;
}

// Every interleaving must do; these are some.
INSTANTIATE_TEST_SUITE_P(Seeds, ToolBridgeTest, testing::Range(std::uint64_t{1}, std::uint64_t{17}));

}  // namespace
}  // namespace reliant::gateway

#include "gateway/tool_bridge.h"
#include "adapters/memory/memory_bus.h"
#include "gateway_world.h"
#include "model/subject.h"
#include "router/nats_daemon_router.h"
#include "support/bus_keys.h"

namespace reliant::gateway {
namespace {

class ToolBridgeTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  explicit ToolBridgeTest(ToolBridgeOptions options = {}) : options_(options) { world_.gateway.set_observer(bridge_); }

  void start(Call& call, model::ToolRequest request, Instant deadline) {
    world_.simulation.world().spawn(call.run(router_, std::move(request), deadline));
  }
  Instant in(Duration duration) { return world_.simulation.now() + duration; }
  // A message as a server sends it, but for what the test does to it.
  ports::BusMessage signed_by_us(ports::BusMessage message, auth::SignedKind kind) {
    GatewayWorld::store_ok(finish(world_.simulation, signing(message, kind)));
    return message;
  }
  Task<Status> signing(ports::BusMessage& message, auth::SignedKind kind) {
    co_return co_await keys_.signer().sign(message, kind, in(1s));
  }
  ports::BusMessage request_on(std::string subject, const std::string& id) {
    model::ToolExecutionRequest request;
    request.request = world_.request(id);
    request.deadline_ms = std::int64_t{1} << 60;
    ports::BusMessage message;
    message.subject = std::move(subject);
    message.reply_to = worker_bus_.new_inbox();
    message.payload = model::encode(request);
    return message;
  }
  std::string own_lane() const { return daemon_subject(model::DaemonSubject::kToolRequestSync, world_.user, DaemonId("d1")); }
  std::vector<std::string> user_lanes() const {
    return {user_subject(model::DaemonSubject::kToolRequest, world_.user),
            user_subject(model::DaemonSubject::kToolRequestSync, world_.user)};
  }
  // The answer to a message that has its inbox and its signature.
  Result<ports::BusMessage> answer_to(ports::BusMessage message) {
    ports::SubscribeOptions options;
    options.subject = message.reply_to;
    const auto answers = *worker_bus_.subscribe(std::move(options));
    GatewayWorld::store_ok(worker_bus_.publish(std::move(message)));
    return finish(world_.simulation, answers->next(in(1s)));
  }
  void publish(ports::BusMessage message) { GatewayWorld::store_ok(worker_bus_.publish(std::move(message))); }
  // What the daemon is sent next: a request of the router's comes after whatever was published before.
  std::string next_request(ports::Link& link, const std::string& id) {
    world_.run_for(5s);
    auto& call = calls_.emplace_back(std::make_unique<Call>());
    start(*call, world_.request(id), in(1min));
    proto::GatewayFrame frame;
    do {
      frame = *world_.frame_of(link);
    } while (!frame.has_execute_tool());
    return frame.execute_tool().request_id();
  }

  ToolBridgeOptions options_;
  GatewayWorld world_{GetParam()};
  adapters::MemoryBusServer server_{world_.simulation.random("bus"), 16 * 1024};
  adapters::MemoryBus gateway_bus_{server_};
  adapters::MemoryBus worker_bus_{server_};
  tests::BusKeys keys_{world_.node.context(), world_.node.clock(), world_.node.log()};
  NatsToolBridge bridge_{world_.node.context(), world_.node.clock(), world_.node.log(), gateway_bus_,
                         world_.gateway,        keys_.ring(),        Random(11),        options_};
  router::NatsDaemonRouter router_{worker_bus_, world_.node.clock(), keys_.signer()};
  std::vector<std::unique_ptr<Call>> calls_;
};

class PermissiveToolBridgeTest : public ToolBridgeTest {
 protected:
  PermissiveToolBridgeTest() : ToolBridgeTest({.allow_unsigned_requests = true}) {}
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

TEST_P(ToolBridgeTest, ADaemonWithoutAHolderIsOfflineAtOnce) {
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

// A gateway whose connection to the bus breaks in the middle: the bus silently loses messages that are published until then.
TEST_P(ToolBridgeTest, AnAnswerWithAMissingPieceIsDropped) {
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
       "onetwo",
       "onetwothree"},
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

TEST_P(ToolBridgeTest, KeepalivesDistinguishALongRunFromASilentGateway) {
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
  ports::BusMessage message = request_on(own_lane(), "req_1");
  message.payload = model::encode(late);
  auto reply = answer_to(signed_by_us(std::move(message), auth::SignedKind::kRequest));
  ASSERT_TRUE(reply.ok());
  auto decoded = model::decode_tool_reply(reply->payload);
  ASSERT_TRUE(decoded.ok());
  ASSERT_TRUE(std::holds_alternative<model::ToolRefused>(*decoded));
  EXPECT_EQ(std::get<model::ToolRefused>(*decoded).status.code(), StatusCode::kDeadlineExceeded);
}

TEST_P(ToolBridgeTest, RefusesATimeoutLongerThanADay) {
  auto link = world_.connected();
  model::ToolExecutionRequest endless;
  endless.request = world_.request("req_1");
  endless.request.timeout_ms = std::int64_t{1} << 60;
  endless.deadline_ms = std::int64_t{1} << 60;
  ports::BusMessage message = request_on(own_lane(), "req_1");
  message.payload = model::encode(endless);
  auto reply = answer_to(signed_by_us(std::move(message), auth::SignedKind::kRequest));
  ASSERT_TRUE(reply.ok());
  auto decoded = model::decode_tool_reply(reply->payload);
  ASSERT_TRUE(decoded.ok() && std::holds_alternative<model::ToolRefused>(*decoded));
  const Status& status = std::get<model::ToolRefused>(*decoded).status;
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(message_of(status).starts_with("timeout_ms is ")) << status;
}

TEST_P(ToolBridgeTest, ABodyThatNamesAnotherDaemonThanItsSubjectIsRefused) {
  auto link = world_.connected();
  model::ToolExecutionRequest foreign;
  foreign.request = world_.request("req_1");
  foreign.request.user = UserId("u2");
  foreign.deadline_ms = std::int64_t{1} << 60;
  ports::BusMessage message = request_on(own_lane(), "req_1");
  message.payload = model::encode(foreign);
  auto reply = answer_to(signed_by_us(std::move(message), auth::SignedKind::kRequest));
  ASSERT_TRUE(reply.ok());
  auto decoded = model::decode_tool_reply(reply->payload);
  ASSERT_TRUE(decoded.ok() && std::holds_alternative<model::ToolRefused>(*decoded));
  EXPECT_EQ(std::get<model::ToolRefused>(*decoded).status.code(), StatusCode::kPermissionDenied);
}

TEST_P(ToolBridgeTest, CancelReachesTheDaemonAndIsConfirmed) {
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

// Any client of the bus could run tools on every user's machine with one PUB.
TEST_P(ToolBridgeTest, UnsignedRequestsReachNoDaemon) {
  auto link = world_.connected();
  publish(request_on(own_lane(), "forged"));
  for (const std::string& lane : user_lanes()) publish(request_on(lane, "forged"));
  ports::BusMessage passed_on = request_on(own_lane(), "forged");
  passed_on.headers[std::string(model::kHopsHeader)] = "1";
  publish(std::move(passed_on));
  EXPECT_EQ(next_request(*link, "req_1"), "req_1");
}

TEST_P(ToolBridgeTest, AnyChangeOfASignedRequestIsRejected) {
  auto link = world_.connected();
  const ports::BusMessage good = signed_by_us(request_on(own_lane(), "req_0"), auth::SignedKind::kRequest);
  const auto with = [&](auto change) {
    ports::BusMessage message = good;
    change(message);
    publish(std::move(message));
  };
  with([&](ports::BusMessage& m) { m.payload = request_on(own_lane(), "forged").payload; });
  with([](ports::BusMessage& m) { m.reply_to = "_INBOX.of.somebody.else"; });
  with([](ports::BusMessage& m) { m.headers[std::string(model::kAttemptHeader)] = "x"; });
  with([](ports::BusMessage& m) {
    std::string& text = m.headers[std::string(auth::kSignatureHeader)];
    const std::size_t expiry = text.find(';', text.find(';') + 1) + 1;
    text[expiry] = text[expiry] == '9' ? '8' : '9';  // later
  });
  for (const char* nonsense : {"", "1", "1;k;1;n;", "2;k;1;n;c", ";;;;", "1;key;x;n;0000"})
    with([&](ports::BusMessage& m) { m.headers[std::string(auth::kSignatureHeader)] = nonsense; });
  // A command is none of a request's kind, whatever it says.
  publish(signed_by_us(request_on(own_lane(), "forged"), auth::SignedKind::kCommand));
  EXPECT_EQ(next_request(*link, "req_1"), "req_1");
}

TEST_P(ToolBridgeTest, ReplayedRequestsAreDropped) {
  auto link = world_.connected();
  model::ToolExecutionRequest read;
  read.request = world_.request("read_1");
  read.request.effect = model::Effect::kReadOnly;  // recorded nowhere: no row prevents its repetition
  read.deadline_ms = std::int64_t{1} << 60;
  ports::BusMessage message = request_on(own_lane(), "read_1");
  message.payload = model::encode(read);
  message = signed_by_us(std::move(message), auth::SignedKind::kRequest);
  publish(message);
  EXPECT_EQ(world_.frame_of(*link)->execute_tool().request_id(), "read_1");
  world_.send_result(*link, "read_1", "ok");
  world_.run_for(1s);
  publish(message);
  for (const std::string& lane : user_lanes()) {
    message.subject = lane;
    publish(message);
  }
  EXPECT_EQ(next_request(*link, "req_1"), "req_1");
}

TEST_P(ToolBridgeTest, ASignatureExpires) {
  auto link = world_.connected();
  const ports::BusMessage message = signed_by_us(request_on(own_lane(), "late"), auth::SignedKind::kRequest);
  world_.run_for(auth::kSignatureLife);
  publish(message);
  EXPECT_EQ(next_request(*link, "req_1"), "req_1");
}

// A forged notice ended a daemon's stream.
TEST_P(ToolBridgeTest, UnsignedNoticesEndNoStream) {
  auto link = world_.connected();
  ports::BusMessage notice;
  notice.subject = model::daemon_accepted_subject(world_.user, DaemonId("d1"));
  notice.payload = model::encode(model::DaemonAccepted{world_.user, DaemonId("d1"), std::int64_t{1} << 62, GatewayId("g9")});
  publish(notice);
  ports::BusMessage elsewhere = notice;
  elsewhere.subject = model::daemon_accepted_subject(UserId("x"), DaemonId("y"));
  publish(signed_by_us(elsewhere, auth::SignedKind::kNotice));
  world_.run_for(1s);
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1")));
  publish(signed_by_us(notice, auth::SignedKind::kNotice));
  world_.run_for(1s);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d1"))) << "one that is signed does";
}

TEST_P(ToolBridgeTest, UnsignedCancelsAreDropped) {
  auto link = world_.connected();
  ports::BusMessage message;
  message.subject = daemon_subject(model::DaemonSubject::kCommand, world_.user, DaemonId("d1"));
  message.payload =
      model::encode(model::DaemonCommand{model::DaemonCommandKind::kKill, world_.user, DaemonId("d1"), RequestId("req_0"), ""});
  publish(message);
  message.subject = user_subject(model::DaemonSubject::kToolCancel, world_.user);
  publish(message);
  EXPECT_EQ(next_request(*link, "req_1"), "req_1");
}

// R42, R61: clients of the seeds' own cannot sign.
TEST_P(PermissiveToolBridgeTest, AcceptsUnsignedRequestsOnUserLanesOnly) {
  auto link = world_.connected();
  int number = 0;
  for (const std::string& lane : user_lanes()) {
    const std::string id = "unsigned_" + std::to_string(++number);
    publish(request_on(lane, id));
    EXPECT_EQ(world_.frame_of(*link)->execute_tool().request_id(), id);
  }
  publish(request_on(own_lane(), "forged"));
  EXPECT_EQ(next_request(*link, "req_1"), "req_1");
}

// Every interleaving must do; these are some.
INSTANTIATE_TEST_SUITE_P(Seeds, PermissiveToolBridgeTest, testing::Range(std::uint64_t{1}, std::uint64_t{5}));
INSTANTIATE_TEST_SUITE_P(Seeds, ToolBridgeTest, testing::Range(std::uint64_t{1}, std::uint64_t{17}));

}  // namespace
}  // namespace reliant::gateway

#include <set>

#include "gateway_world.h"
#include "router/local_daemon_router.h"

namespace reliant::gateway {
namespace {

class GatewayTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  void start(Call& call, model::ToolRequest request, Instant deadline = kNever) {
    world_.simulation.world().spawn(call.run(router_, std::move(request), deadline));
  }
  proto::GatewayFrame next_request(ports::Link& link) {
    auto frame = world_.frame_of(link);
    EXPECT_TRUE(frame.ok() && frame->has_execute_tool());
    return *frame;
  }

  GatewayWorld world_{GetParam()};
  router::LocalDaemonRouter router_{world_.gateway};
};

TEST_P(GatewayTest, RefusesAStreamWithoutAValidToken) {
  std::unique_ptr<ports::Link> link;
  auto none = finish(world_.simulation, world_.connect(link, "d1", ""));
  EXPECT_EQ(none.status().code(), StatusCode::kUnauthenticated);
  auto wrong = finish(world_.simulation, world_.connect(link, "d1", "rlnt_pat_" + std::string(64, 'f')));
  EXPECT_EQ(wrong.status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(wrong.status()), kReasonTokenInvalid);
  EXPECT_EQ(world_.gateway.session_count(), 0u);
}

TEST_P(GatewayTest, RefusesADaemonIdThatIsNoBusToken) {
  std::unique_ptr<ports::Link> link;
  auto refused = finish(world_.simulation, world_.connect(link, "a.>", world_.token));
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(field_of(refused.status()), "register.daemon_id");
}

TEST_P(GatewayTest, RefusesAStreamThatNeverRegisters) {
  ports::LinkTarget target;
  target.address = kAddress;
  target.method = "reliant.tools.v1.ToolsDaemonService/Connect";
  target.metadata["authorization"] = "Bearer " + world_.token;
  auto link = *finish(world_.simulation, world_.links.connect(target, kNever));
  auto ended = world_.frame_of(*link);
  EXPECT_EQ(ended.status().code(), StatusCode::kDeadlineExceeded);
}

TEST_P(GatewayTest, NewcomerOfTheSameDaemonWinsAtOnceWithAHigherEpoch) {
  std::unique_ptr<ports::Link> first;
  std::unique_ptr<ports::Link> second;
  const auto one = finish(world_.simulation, world_.connect(first, "d1", world_.token));
  const auto two = finish(world_.simulation, world_.connect(second, "d1", world_.token));
  EXPECT_GT(two->epoch(), one->epoch());
  const auto ended = world_.frame_of(*first);
  EXPECT_EQ(ended.status().code(), StatusCode::kAborted);
  EXPECT_EQ(reason_of(ended.status()), kReasonSuperseded);
  world_.run_for(1s);
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1")));
  EXPECT_EQ(world_.stored_daemon().connection, model::DaemonConnection::kFresh);  // the old end does not overwrite it
}

TEST_P(GatewayTest, RoutesARequestAndReturnsItsDurableResult) {
  auto link = world_.connected();
  Call call;
  start(call, world_.request("req_1"));
  EXPECT_EQ(next_request(*link).execute_tool().request_id(), "req_1");
  world_.send_output(*link, "req_1", 1, "hello ");
  world_.send_output(*link, "req_1", 2, "world");
  world_.send_result(*link, "req_1", "done");
  world_.run_for(1s);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ((*call.result)->content, "done");
  EXPECT_EQ(call.output, "hello world");
  const auto stored = finish(world_.simulation, world_.store.executions().get(RequestId("req_1"), kNever));
  EXPECT_EQ(stored->state, store::ExecutionState::kDone);
}

TEST_P(GatewayTest, AnswersAFinishedRequestFromTheStoreWithoutAskingTheDaemon) {
  auto link = world_.connected();
  Call first;
  start(first, world_.request("req_1"));
  next_request(*link);
  world_.send_result(*link, "req_1", "once");
  world_.run_for(1s);
  Call again;
  start(again, world_.request("req_1"));
  world_.run_for(1s);
  ASSERT_TRUE(again.result.has_value());
  EXPECT_EQ((*again.result)->content, "once");
  const auto ack = world_.frame_of(*link);  // of the first result, and no second request before it
  EXPECT_TRUE(ack->has_result_ack());
}

TEST_P(GatewayTest, AnEndedStreamLeavesTheToolRunningAndTheCallerRetries) {
  auto link = world_.connected();
  Call call;
  start(call, world_.request("req_1"));
  next_request(*link);
  link->cancel();
  world_.run_for(1s);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ(call.result->status().code(), StatusCode::kUnavailable);

  link = world_.connected();
  Call again;
  start(again, world_.request("req_1"));
  EXPECT_EQ(next_request(*link).execute_tool().request_id(), "req_1");
  world_.send_result(*link, "req_1", "after all");
  world_.run_for(1s);
  ASSERT_TRUE(again.result.has_value());
  EXPECT_EQ((*again.result)->content, "after all");
}

TEST_P(GatewayTest, ANewerCallReplacesTheOlderAndResumesAfterItsLastChunk) {
  auto link = world_.connected();
  Call first;
  start(first, world_.request("req_1"));
  next_request(*link);
  world_.send_output(*link, "req_1", 1, "a");
  world_.run_for(1s);
  Call second;
  second.last = 1;
  start(second, world_.request("req_1"));
  world_.run_for(1s);
  ASSERT_TRUE(first.result.has_value());
  EXPECT_EQ(first.result->status().code(), StatusCode::kAborted);
  EXPECT_TRUE(world_.frame_of(*link)->has_output_ack());
  EXPECT_EQ(next_request(*link).execute_tool().resume_output_after(), 1u);
}

TEST_P(GatewayTest, AMissingChunkFailsTheCall) {
  auto link = world_.connected();
  Call call;
  start(call, world_.request("req_1"));
  next_request(*link);
  world_.send_output(*link, "req_1", 1, "a");
  world_.send_output(*link, "req_1", 3, "c");
  world_.run_for(1s);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ(call.result->status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(call.output, "a");
}

TEST_P(GatewayTest, AResultWithoutAWaitingCallerIsStored) {
  auto link = world_.connected();
  {
    Call call;
    start(call, world_.request("req_1"), world_.simulation.now() + 1s);
    next_request(*link);
    world_.run_for(2s);
    EXPECT_EQ(call.result->status().code(), StatusCode::kDeadlineExceeded);
  }
  world_.send_result(*link, "req_1", "late");
  EXPECT_TRUE(world_.frame_of(*link)->has_result_ack());
  Call again;
  start(again, world_.request("req_1"));
  world_.run_for(1s);
  EXPECT_EQ((*again.result)->content, "late");
}

TEST_P(GatewayTest, SilenceMakesADaemonStaleAtThirtySecondsAndDisconnectedAtTwoMinutes) {
  auto link = world_.connected();
  const Instant connected = world_.simulation.now();
  world_.simulation.run_until(connected + 29s);
  EXPECT_EQ(world_.stored_daemon().connection, model::DaemonConnection::kFresh);
  world_.simulation.run_until(connected + 31s);
  EXPECT_EQ(world_.stored_daemon().connection, model::DaemonConnection::kStale);
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1")));
  world_.simulation.run_until(connected + 121s);
  EXPECT_EQ(world_.stored_daemon().connection, model::DaemonConnection::kDisconnected);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d1")));
}

// C1, exactly: one nanosecond before, at, and after. What is in the store follows within the time of a write.
TEST_P(GatewayTest, TheBoundariesOfSilenceAreExact) {
  auto link = world_.connected();
  world_.run_for(100ms);
  proto::DaemonFrame beat;
  beat.mutable_heartbeat()->set_number(1);
  world_.send(*link, beat);
  const Instant sent = world_.simulation.now();
  world_.run_for(1s);
  const auto status = [&] { return world_.gateway.status(world_.user, DaemonId("d1")); };
  const Instant heard = world_.gateway.last_frame(world_.user, DaemonId("d1"));
  ASSERT_EQ(heard, sent);
  world_.simulation.run_until(heard + 30s - 1ns);
  EXPECT_EQ(status(), model::PublicStatus::kActive);
  world_.simulation.run_until(heard + 30s);
  EXPECT_EQ(status(), model::PublicStatus::kIdle);
  world_.simulation.run_until(heard + 30s + 1ns);
  EXPECT_EQ(status(), model::PublicStatus::kIdle);
  world_.simulation.run_until(heard + 120s - 1ns);
  EXPECT_EQ(status(), model::PublicStatus::kIdle);
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1")));
  world_.simulation.run_until(heard + 120s);
  EXPECT_EQ(status(), model::PublicStatus::kDisconnected);
  world_.simulation.run_until(heard + 120s + 1ns);
  EXPECT_EQ(status(), model::PublicStatus::kDisconnected);
}

TEST_P(GatewayTest, AFrameOneNanosecondBeforeABoundaryKeepsTheStatusAndOneAfterBringsItBack) {
  auto link = world_.connected();
  proto::DaemonFrame beat;
  beat.mutable_heartbeat()->set_number(1);
  const auto status = [&] { return world_.gateway.status(world_.user, DaemonId("d1")); };
  const auto heard = [&] { return world_.gateway.last_frame(world_.user, DaemonId("d1")); };
  world_.simulation.run_until(heard() + 30s - 1ns);
  world_.send(*link, beat);
  world_.simulation.run_until(heard() + 1s);
  EXPECT_EQ(status(), model::PublicStatus::kActive);
  world_.simulation.run_until(heard() + 120s - 1ns);
  EXPECT_EQ(status(), model::PublicStatus::kIdle);
  world_.send(*link, beat);  // C17
  world_.run_for(1s);
  EXPECT_EQ(status(), model::PublicStatus::kActive);
  EXPECT_EQ(world_.stored_daemon().connection, model::DaemonConnection::kFresh);
}

TEST_P(GatewayTest, ALostRequestIsNotSentAnyMore) {
  auto link = world_.connected();
  world_.run_for(1s);  // has looked for what was left open
  ASSERT_TRUE(finish(world_.simulation, world_.store.executions().insert(world_.request("req_1"), kNever)).ok());
  ASSERT_TRUE(finish(world_.simulation, world_.store.executions().lose(RequestId("req_1"), kNever)).ok());
  Call late;  // a message that lay about while its caller gave up
  start(late, world_.request("req_1"));
  world_.run_for(1s);
  ASSERT_TRUE(late.result.has_value());
  EXPECT_EQ(late.result->status().code(), StatusCode::kFailedPrecondition);
  const auto frame = world_.frame_of(*link);
  EXPECT_TRUE(frame.ok() && frame->has_heartbeat());  // the first thing that the daemon hears
}

TEST_P(GatewayTest, OpenRequestsAreReplayedWhenTheDaemonConnects) {
  ASSERT_TRUE(finish(world_.simulation, world_.store.executions().insert(world_.request("req_1"), kNever)).ok());
  auto link = world_.connected();
  const auto replayed = next_request(*link).execute_tool();
  EXPECT_EQ(replayed.request_id(), "req_1");
  EXPECT_TRUE(replayed.without_output());
  EXPECT_FALSE(replayed.must_not_start());
  world_.send_result(*link, "req_1", "ok");
  EXPECT_EQ(world_.frame_of(*link)->result_ack().request_id(), "req_1");
  const auto row = finish(world_.simulation, world_.store.executions().get(RequestId("req_1"), kNever));
  EXPECT_EQ(row->result->content, "ok");
}

TEST_P(GatewayTest, OverdueRequestsAreReplayedAsMustNotStart) {
  ASSERT_TRUE(finish(world_.simulation, world_.store.executions().insert(world_.request("req_1"), kNever)).ok());
  world_.run_for(151s);  // 120 s of its own and 30 s more
  auto link = world_.connected();
  EXPECT_TRUE(next_request(*link).execute_tool().must_not_start());
}

TEST_P(GatewayTest, ACallDuringTheReplayReceivesTheOutput) {
  ASSERT_TRUE(finish(world_.simulation, world_.store.executions().insert(world_.request("req_1"), kNever)).ok());
  auto link = world_.connected();
  Call call;
  start(call, world_.request("req_1"));
  proto::ExecuteTool asked = next_request(*link).execute_tool();
  if (asked.without_output()) asked = next_request(*link).execute_tool();
  EXPECT_FALSE(asked.without_output());
  world_.send_output(*link, "req_1", 1, "one");
  world_.send_result(*link, "req_1", "ok");
  world_.run_for(1s);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ(call.output, "one");
}

TEST_P(GatewayTest, AnUndeliveredCancelIsDeliveredWhenTheDaemonConnects) {
  auto& executions = world_.store.executions();
  {
    auto link = world_.connected();
    Call call;
    start(call, world_.request("req_1"));
    EXPECT_EQ(next_request(*link).execute_tool().request_id(), "req_1");
    link->cancel();
    world_.run_for(1s);
  }
  ASSERT_TRUE(finish(world_.simulation, executions.ask_cancel(RequestId("req_1"), std::nullopt, kNever)).ok());
  auto link = world_.connected();
  EXPECT_EQ(world_.frame_of(*link)->cancel_tool().request_id(), "req_1");
  Call again;  // an attempt that knows nothing of it
  start(again, world_.request("req_1"));
  EXPECT_EQ(world_.frame_of(*link)->cancel_tool().request_id(), "req_1");
}

TEST_P(GatewayTest, AStreamOfAnotherDaemonCannotAnswer) {
  auto link = world_.connected("d1");
  auto other = world_.connected("d2");
  Call call;
  start(call, world_.request("req_1"));
  EXPECT_EQ(next_request(*link).execute_tool().request_id(), "req_1");
  world_.send_result(*other, "req_1", "forged");
  world_.run_for(1s);
  EXPECT_FALSE(call.result.has_value());
  world_.send_result(*link, "req_1", "ok");
  world_.run_for(1s);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ((*call.result)->content, "ok");
}

TEST_P(GatewayTest, ACommandIsAnsweredByTheDaemon) {
  auto link = world_.connected();
  std::optional<Status> done;
  const auto command = [](router::DaemonRouter& router, UserId user, std::optional<Status>& out) -> Task<void> {
    auto kill = router::make_command(model::DaemonCommandKind::kKill, std::move(user), DaemonId("d1"), RequestId("req_1"));
    out.emplace(co_await router.command(std::move(kill), kNever));
  };
  world_.simulation.world().spawn(command(router_, world_.user, done));
  const auto frame = world_.frame_of(*link);
  EXPECT_EQ(frame->command().kill_process().request_id(), "req_1");
  proto::DaemonFrame answer;
  answer.mutable_command_done()->set_command_id(frame->command().command_id());
  answer.mutable_command_done()->set_code(static_cast<int>(StatusCode::kNotFound));
  answer.mutable_command_done()->set_message("not running");
  world_.send(*link, answer);
  world_.run_for(1s);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->code(), StatusCode::kNotFound);
}

TEST_P(GatewayTest, AnyFrameIsASignOfLife) {
  auto link = world_.connected();
  for (int i = 0; i < 20; ++i) {
    world_.run_for(29s);
    proto::DaemonFrame beat;
    beat.mutable_heartbeat()->set_number(i);
    world_.send(*link, beat);
    EXPECT_EQ(world_.stored_daemon().connection, model::DaemonConnection::kFresh);
  }
}

TEST_P(GatewayTest, SendsHeartbeatsEveryThirtySeconds) {
  auto link = world_.connected();
  const auto beat = world_.frame_of(*link);
  ASSERT_TRUE(beat.ok());
  EXPECT_TRUE(beat->has_heartbeat());
  EXPECT_EQ(world_.simulation.now().time_since_epoch() / 30s, 1);
}

TEST_P(GatewayTest, StopDrainsDaemonsToTheOtherLiveGateways) {
  auto link = world_.connected();
  auto announced = finish(world_.simulation, world_.store.gateways().announce(GatewayId("g2"), "gateway-2:9190", kNever));
  ASSERT_TRUE(announced.ok());
  bool stopped = false;
  const auto stop = [](Gateway& gateway, Instant deadline, bool& done) -> Task<void> {
    co_await gateway.stop(deadline);
    done = true;
  };
  world_.simulation.world().spawn(stop(world_.gateway, world_.simulation.now() + 10s, stopped));
  const auto frame = world_.frame_of(*link);
  ASSERT_TRUE(frame.ok() && frame->has_drain());
  EXPECT_EQ(frame->drain().gateway_addresses(0), "gateway-2:9190");
  EXPECT_FALSE(stopped);
  link->half_close().IgnoreError();
  world_.run_for(1s);
  EXPECT_TRUE(stopped);
}

TEST_P(GatewayTest, StopsInTimeThoughTheDatabaseHangs) {
  auto link = world_.connected();
  auto hangs = finish(world_.simulation, world_.database->begin(ports::Access::kWrite, kNever));
  ASSERT_TRUE(hangs.ok());
  const Instant deadline = world_.simulation.now() + 8s;  // less than a call of the database may take
  const auto stop = [](Gateway& gateway, Instant when) -> Task<bool> {
    co_await gateway.stop(when);
    co_return true;
  };
  finish(world_.simulation, stop(world_.gateway, deadline));
  EXPECT_LE(world_.simulation.now(), deadline);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d1")));
}

// C43, with the gateways that were live when the database last answered.
void expect_sent_on_to(std::string_view address, GatewayWorld& world, ports::Link& link) {
  auto hangs = finish(world.simulation, world.database->begin(ports::Access::kWrite, kNever));
  ASSERT_TRUE(hangs.ok());
  const auto stop = [](Gateway& gateway, Instant deadline) -> Task<void> { co_await gateway.stop(deadline); };
  const Instant begin = world.simulation.now();
  world.simulation.world().spawn(stop(world.gateway, begin + 8s));
  const auto frame = world.frame_of(link);
  ASSERT_TRUE(frame.ok() && frame->has_drain());
  ASSERT_EQ(frame->drain().gateway_addresses_size(), 1);
  EXPECT_EQ(frame->drain().gateway_addresses(0), address);
  EXPECT_LE(world.simulation.now() - begin, 4s) << "the other half of the time is for the daemon to go on";
}

TEST_P(GatewayTest, DrainsDaemonsThoughTheDatabaseHangs) {
  ASSERT_TRUE(finish(world_.simulation, world_.store.gateways().announce(GatewayId("g2"), "gateway-2:9190", kNever)).ok());
  auto link = world_.connected();
  expect_sent_on_to("gateway-2:9190", world_, *link);
}

TEST_P(GatewayTest, DrainsDaemonsToAGatewayThatStartedLater) {
  auto link = world_.connected();
  ASSERT_TRUE(finish(world_.simulation, world_.store.gateways().announce(GatewayId("g2"), "gateway-2:9190", kNever)).ok());
  world_.run_for(Records::kLease / 2);  // the gateway has announced itself once more
  expect_sent_on_to("gateway-2:9190", world_, *link);
}

TEST_P(GatewayTest, DrainSpreadsManyDaemonsOverTimeAndGateways) {
  std::vector<std::unique_ptr<ports::Link>> links;
  links.reserve(50);
  for (int i = 0; i < 50; ++i) links.push_back(world_.connected("d" + std::to_string(i)));
  for (const char* other : {"g2", "g3"}) {
    const std::string address = std::string(other) + ":9190";
    ASSERT_TRUE(finish(world_.simulation, world_.store.gateways().announce(GatewayId(other), address, kNever)).ok());
  }
  const auto stop = [](Gateway& gateway, Instant deadline) -> Task<void> { co_await gateway.stop(deadline); };
  world_.simulation.world().spawn(stop(world_.gateway, world_.simulation.now() + 10s));
  const Instant begin = world_.simulation.now();
  std::map<std::string, int> firsts;
  std::set<std::int64_t> waits;
  for (auto& link : links) {
    auto frame = world_.frame_of(*link);
    while (frame.ok() && !frame->has_drain()) frame = world_.frame_of(*link);
    ASSERT_TRUE(frame.ok());
    ++firsts[frame->drain().gateway_addresses(0)];
    waits.insert(frame->drain().retry_after_ms());
  }
  EXPECT_GE(world_.simulation.now() - begin, 2 * Gateway::kDrainPause);
  EXPECT_EQ(firsts["g2:9190"], 25);
  EXPECT_EQ(firsts["g3:9190"], 25);
  EXPECT_EQ(waits.size(), 50u);
}

class SingleDaemonTest : public testing::Test {
 protected:
  GatewayWorld world_{7, true};
};

TEST_F(SingleDaemonTest, ANewDaemonReplacesTheUsersOtherOnes) {
  auto first = world_.connected("d1");
  auto second = world_.connected("d2");
  const auto ended = world_.frame_of(*first);
  EXPECT_EQ(reason_of(ended.status()), kReasonSuperseded);
  world_.run_for(1s);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d1")));
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d2")));
  EXPECT_EQ(world_.stored_daemon("d1").connection, model::DaemonConnection::kDisconnected);
}

TEST_F(SingleDaemonTest, NoticesOfAnotherGatewayAreVerifiedInTheStore) {
  auto link = world_.connected("d1");
  world_.gateway.superseded(world_.user, DaemonId("d2"), 1);  // older than ours, as the store knows
  world_.run_for(1s);
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1")));
}

// Every interleaving must do; these are some.
INSTANTIATE_TEST_SUITE_P(Seeds, GatewayTest, testing::Range(std::uint64_t{1}, std::uint64_t{17}));

}  // namespace
}  // namespace reliant::gateway

// Requests of tools that only read: recorded nowhere, answered all the same.
#include <deque>
#include <variant>

#include "base/text.h"
#include "gateway_world.h"
#include "model/daemon_status.h"
#include "router/local_daemon_router.h"

namespace reliant::gateway {
namespace {

class ReadsTest : public testing::Test {
 protected:
  model::ToolRequest read(const std::string& id) const {
    model::ToolRequest request = world_.request(id);
    request.tool = "view";
    request.effect = model::Effect::kReadOnly;
    return request;
  }
  void start(Call& call, model::ToolRequest request, Instant deadline = kNever) {
    world_.simulation.world().spawn(call.run(router_, std::move(request), deadline));
  }
  // What the daemon gets next.
  proto::GatewayFrame next(ports::Link& link) { return *world_.frame_of(link); }
  // Starts the call; returns the frame that the daemon receives.
  proto::GatewayFrame ask(ports::Link& link, Call& call, model::ToolRequest request, Instant deadline = kNever) {
    start(call, std::move(request), deadline);
    return next(link);
  }
  void answer(ports::Link& link, const std::string& request, const std::string& content) {
    proto::DaemonFrame frame;
    frame.mutable_tool_finished()->set_request_id(request);
    frame.mutable_tool_finished()->set_outcome(proto::OUTCOME_EXECUTED);
    frame.mutable_tool_finished()->set_content(content);
    frame.mutable_tool_finished()->set_unrecorded(true);
    world_.send(link, frame);
    world_.run_for(1ms);
  }
  bool has_row(const std::string& id) {
    return finish(world_.simulation, world_.store.executions().get(RequestId(id), kNever)).ok();
  }
  Status cancel(const std::string& id, Duration timeout) {
    return finish(world_.simulation,
                  router_.cancel(world_.user, DaemonId("d1"), RequestId(id), world_.simulation.now() + timeout));
  }

  GatewayWorld world_{1};
  router::LocalDaemonRouter router_{world_.gateway};
};

TEST_F(ReadsTest, AreAnsweredAndLeaveNoRow) {
  auto link = world_.connected();
  Call call;
  call.last = 3;
  const proto::GatewayFrame asked = ask(*link, call, read("req_1"));
  EXPECT_EQ(asked.execute_tool().request_id(), "req_1");
  EXPECT_TRUE(asked.execute_tool().unrecorded());
  EXPECT_EQ(asked.execute_tool().resume_output_after(), 3u);
  answer(*link, "req_1", "text");
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ((*call.result)->content, "text");
  EXPECT_FALSE(has_row("req_1"));
  const proto::GatewayFrame beat = next(*link);
  EXPECT_TRUE(beat.has_heartbeat());  // nothing else was said in the meantime
  ASSERT_EQ(beat.answered_size(), 1);
  EXPECT_EQ(beat.answered(0), "req_1");
}

TEST_F(ReadsTest, ManyAnswersAreAcknowledgedTogether) {
  auto link = world_.connected();
  std::deque<Call> calls;
  for (int i = 0; i < 128; ++i) {
    start(calls.emplace_back(), read(concat("req_", i)));
    next(*link);
  }
  for (int i = 0; i < 128; ++i) answer(*link, concat("req_", i), "text");
  const proto::GatewayFrame told = next(*link);
  EXPECT_EQ(told.frame_case(), proto::GatewayFrame::FRAME_NOT_SET);
  EXPECT_EQ(told.answered_size(), 128);
}

TEST_F(ReadsTest, AreAskedOfTheDaemonAgainForEveryCall) {
  auto link = world_.connected();
  int heard_of = 0;
  for (const char* content : {"first", "second"}) {
    Call call;
    start(call, read("req_1"));
    const proto::GatewayFrame asked = next(*link);
    EXPECT_TRUE(asked.execute_tool().unrecorded());
    EXPECT_EQ(asked.answered_size(), heard_of++);  // the answer before
    answer(*link, "req_1", content);
    EXPECT_EQ((*call.result)->content, content);
  }
}

TEST_F(ReadsTest, AnswerWithoutACallerIsNotAcknowledged) {
  auto link = world_.connected();
  Call call;
  ask(*link, call, read("req_1"), world_.simulation.now() + 500ms);
  world_.run_for(500ms);
  EXPECT_EQ(call.result->status().code(), StatusCode::kDeadlineExceeded);
  answer(*link, "req_1", "late");
  Call again;
  const proto::GatewayFrame asked = ask(*link, again, read("req_1"));
  EXPECT_TRUE(asked.has_execute_tool());
  EXPECT_EQ(asked.answered_size(), 0);
  EXPECT_FALSE(has_row("req_1"));
}

// It knows no other way than its journal, and says nothing of it.
TEST_F(ReadsTest, AreAnsweredByADaemonOfAnOlderVersion) {
  auto link = world_.connected();
  Call call;
  ask(*link, call, read("req_1"));
  world_.send_result(*link, "req_1", "text");
  world_.run_for(1ms);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ((*call.result)->content, "text");
  EXPECT_TRUE(next(*link).has_result_ack());
}

TEST_F(ReadsTest, ToolsWithSideEffectsAreRecordedWhateverTheDaemonDeclares) {
  auto link = world_.connected();
  Call call;
  start(call, world_.request("req_1"));
  EXPECT_FALSE(next(*link).execute_tool().unrecorded());
  answer(*link, "req_1", "done");
  ASSERT_TRUE(call.result.has_value());
  EXPECT_TRUE(has_row("req_1"));
}

TEST_F(ReadsTest, OnlyTheNewestCallIsAnswered) {
  auto link = world_.connected();
  Call first;
  ask(*link, first, read("req_1"));
  Call second;
  ask(*link, second, read("req_1"));
  EXPECT_EQ(first.result->status().code(), StatusCode::kAborted);
  answer(*link, "req_1", "text");
  EXPECT_EQ((*second.result)->content, "text");
}

TEST_F(ReadsTest, AreRetriedOnTheNextStream) {
  auto link = world_.connected();
  Call call;
  ask(*link, call, read("req_1"));
  link->cancel();
  world_.run_for(1s);
  EXPECT_EQ(call.result->status().code(), StatusCode::kUnavailable);
  link = world_.connected();
  world_.run_for(1s);  // nothing is replayed
  Call again;
  start(again, read("req_1"));
  EXPECT_EQ(next(*link).execute_tool().request_id(), "req_1");
}

TEST_F(ReadsTest, CancelIsForwardedWithoutARow) {
  auto link = world_.connected();
  Call call;
  ask(*link, call, read("req_1"));
  const auto confirm = [](GatewayWorld& world, ports::Link& stream) -> Task<void> {
    auto asked = co_await GatewayWorld::next(stream);
    EXPECT_TRUE(asked->cancel_tool().unrecorded());
    proto::DaemonFrame done;
    done.mutable_cancel_done()->set_request_id(asked->cancel_tool().request_id());
    GatewayWorld::store_ok(co_await stream.send(done.SerializeAsString(), kNever));
    (void)world;
  };
  world_.simulation.world().spawn(confirm(world_, *link));
  EXPECT_TRUE(cancel("req_1", 5s).ok());
  EXPECT_FALSE(has_row("req_1"));
}

// The notice of the newer stream's gateway was lost: the slow answer makes this one ask the store.
TEST_F(ReadsTest, ASlowAnswerTriggersTheCheckForANewerStream) {
  auto link = world_.connected();
  store::DaemonArrival elsewhere;
  elsewhere.user = world_.user;
  elsewhere.id = DaemonId("d1");
  elsewhere.name = "d1";
  elsewhere.kind = "local";
  elsewhere.gateway = GatewayId("g2");
  ASSERT_TRUE(finish(world_.simulation, world_.store.daemons().accept(elsewhere, kNever)).ok());
  Call call;
  start(call, read("req_1"));
  world_.run_for(RequestDispatcher::kDoubtful - 1ms);
  EXPECT_FALSE(call.result.has_value());
  world_.run_for(2ms);
  ASSERT_TRUE(call.result.has_value());
  EXPECT_EQ(call.result->status().code(), StatusCode::kUnavailable);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d1")));
}

}  // namespace
}  // namespace reliant::gateway

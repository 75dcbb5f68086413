// run_tool against a store in memory and a router that does what the test says, in virtual time.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>

#include "adapters/sqlite/sqlite_database.h"
#include "kernel/simulation.h"
#include "runtime/event.h"
#include "runtime/sleep.h"
#include "updates/memory_update_hub.h"
#include "worker/activities.h"

namespace reliant::worker {
namespace {

using namespace std::chrono_literals;

class NamedTool final : public tools::Tool {
 public:
  NamedTool(std::string name, model::Effect effect) {
    descriptor_.name = std::move(name);
    descriptor_.effect = effect;
  }
  const tools::ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(tools::ToolInvocation, tools::ToolOutput&) override { co_return model::ToolResult{}; }

 private:
  tools::ToolDescriptor descriptor_;
};

// Answers with the entries of `answers`, then never.
class ScriptedRouter final : public router::DaemonRouter {
 public:
  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant) override {
    requests.push_back(request);
    if (runs_for > Duration::zero()) co_await sleep_for(runs_for);
    if (!output.empty()) co_await sink.on_output(sink.last_chunk() + 1, output, false);
    if (answers.empty()) {
      co_await released.wait();
      co_return unavailable("no answer");
    }
    auto answer = answers.front();
    if (answers.size() > 1 || !repeat_last) answers.pop_front();
    co_return answer;
  }
  Task<Status> cancel(UserId, DaemonId, RequestId request, Instant) override {
    cancelled = request;
    released.set();
    answers = {model::ToolResult{model::Outcome::kExecuted, true, "cancelled", 0, 0}};
    co_return ok_status();
  }
  Task<Result<bool>> online(UserId, DaemonId, Instant) override { co_return true; }
  Task<Status> command(model::DaemonCommand, Instant) override { co_return ok_status(); }
  Task<Result<std::vector<model::HeldDaemon>>> held(UserId, Instant) override { co_return std::vector<model::HeldDaemon>(); }

  std::vector<model::ToolRequest> requests;
  std::deque<Result<model::ToolResult>> answers;
  bool repeat_last = false;
  Duration runs_for{};  // before it answers
  std::string output;
  RequestId cancelled;
  Event released;
};

class Activity final : public temporal::ActivityContext {
 public:
  explicit Activity(std::string activity_id, std::string run_id = "run-1", std::int32_t attempt = 1) {
    info_.workflow_id = "chat-c1";
    info_.run_id = std::move(run_id);
    info_.activity_id = std::move(activity_id);
    info_.attempt = attempt;
  }
  const temporal::ActivityInfo& info() const override { return info_; }
  void heartbeat(std::string details) override { info_.heartbeat_details = std::move(details); }
  Event& cancelled() override { return cancelled_; }
  temporal::CancelReason cancel_reason() const override { return reason; }

  temporal::CancelReason reason = temporal::CancelReason::kNone;

 private:
  temporal::ActivityInfo info_;
  Event cancelled_;
};

class NoModel final : public llm::ModelProvider {
 public:
  Task<Result<llm::ModelAnswer>> complete(llm::ModelRequest, llm::TextSink&, Instant) override {
    co_return unimplemented("no model here");
  }
};

class RunTool : public testing::Test {
 public:
  RunTool() {
    registry_.add(std::make_unique<NamedTool>("bash", model::Effect::kNonIdempotent));
    registry_.add(std::make_unique<NamedTool>("view", model::Effect::kReadOnly));
    EXPECT_TRUE(get(store_.migrate(kNever)).ok());
    user_ = get(store_.users().create(UserId("u1"), "somebody", kNever))->id;
    project_ = get(store_.projects().create(user_, "project", "/work", kNever))->id;
    store::NewChat chat;
    chat.user = user_;
    chat.project = project_;
    chat.id = ChatId("c1");
    EXPECT_TRUE(get(store_.chats().create(chat, kNever)).ok());
  }
  ~RunTool() override { simulation_.shutdown(); }

 protected:
  template <class T>
  void start(Task<T> task, std::optional<T>& result) {
    const auto keep = [](Task<T> inner, std::optional<T>& out) -> Task<void> { out.emplace(co_await std::move(inner)); };
    simulation_.world().spawn(keep(std::move(task), result));
  }
  template <class T>
  T get(Task<T> task) {
    std::optional<T> result;
    start(std::move(task), result);
    EXPECT_TRUE(simulation_.run_until([&] { return result.has_value(); }, simulation_.now() + 1h));
    return *std::move(result);
  }
  // Until the first request is at the router.
  void start_and_send(Activity& activity, std::string text, std::optional<Result<std::string>>& answer) {
    start(activities_.run_tool(activity, std::move(text)), answer);
    EXPECT_TRUE(simulation_.run_until([&] { return router_.requests.size() == 1; }, simulation_.now() + 1h));
  }
  void connect(const std::string& id, const std::string& kind) {
    store::DaemonArrival arrival;
    arrival.user = user_;
    arrival.id = DaemonId(id);
    arrival.name = id;
    arrival.kind = kind;
    arrival.gateway = GatewayId("g1");
    EXPECT_TRUE(get(store_.daemons().accept(arrival, kNever)).ok());
  }
  std::string input(std::int64_t index = 0, const std::string& tool = "bash") const {
    workflow::RunToolInput input;
    input.user = user_;
    input.chat = ChatId("c1");
    input.turn = MessageId("m1");
    input.index = index;
    input.planned.call = {ToolCallId("call-7"), tool, R"({"command":"true"})"};
    return workflow::to_json_text(input);
  }
  workflow::RunToolOutput output(const Result<std::string>& answer) {
    EXPECT_TRUE(answer.ok()) << answer.status();
    return *workflow::from_json_text<workflow::RunToolOutput>(*answer);
  }
  static model::ToolResult done(std::string content) { return {model::Outcome::kExecuted, false, std::move(content), 0, 0}; }

  sim::Simulation simulation_{11};
  sim::Node& node_ = simulation_.add_node("worker");
  std::unique_ptr<adapters::SqliteDatabase> database_ = *adapters::SqliteDatabase::open(":memory:");
  store::Store store_{*database_, node_.clock(), simulation_.random("store")};
  updates::MemoryUpdateHub hub_;
  ScriptedRouter router_;
  NoModel model_;
  tools::ToolRegistry registry_;
  ChatActivities activities_{{node_.clock(), node_.log(), store_, hub_, router_, model_, registry_},
                             simulation_.random("activities")};
  UserId user_;
  ProjectId project_;
};

TEST_F(RunTool, MakesTheRequestIdOfWorkflowTurnPlaceAndCall) {
  connect("d1", "local");
  router_.answers = {done("ok")};
  Activity activity("5");
  EXPECT_EQ(output(get(activities_.run_tool(activity, input()))).outcome, model::Outcome::kExecuted);
  ASSERT_EQ(router_.requests.size(), 1u);
  EXPECT_EQ(router_.requests[0].id, model::make_request_id("chat-c1", "m1", "1/0", ToolCallId("call-7")));
  EXPECT_EQ(router_.requests[0].working_directory, "/work");
  EXPECT_EQ(router_.requests[0].daemon, DaemonId("d1"));
}

// Remembers how long the last call took, as it is logged.
class LoggedDuration final : public sim::TraceSink {
 public:
  void on_record(const sim::TraceRecord& record) override {
    if (!record.is("worker.tool.finished")) return;
    if (const std::int64_t* took = record.number("took_us")) took_us = *took;
  }
  std::int64_t took_us = -1;
};

TEST_F(RunTool, LogsTheTimeFromTheRequestToTheResult) {
  connect("d1", "local");
  router_.answers = {done("ok")};
  router_.runs_for = 1530ms;
  LoggedDuration logged;
  simulation_.trace().add_sink(logged);
  Activity activity("5");
  get(activities_.run_tool(activity, input())).IgnoreError();
  simulation_.trace().remove_sink(logged);
  EXPECT_GE(logged.took_us, 1'530'000);
  EXPECT_LT(logged.took_us, 2'000'000);
}

TEST_F(RunTool, AnotherRunOfTheWorkflowAsksForTheSameRequest) {
  connect("d1", "local");
  router_.answers = {invalid_argument("the run is lost here"), done("ok")};
  Activity lost("5");
  EXPECT_FALSE(get(activities_.run_tool(lost, input())).ok());
  Activity again("2", "run-2");
  EXPECT_EQ(output(get(activities_.run_tool(again, input()))).outcome, model::Outcome::kExecuted);
  ASSERT_EQ(router_.requests.size(), 2u);
  EXPECT_EQ(router_.requests[0], router_.requests[1]);
}

TEST_F(RunTool, ARetryResumesTheRequestOfAnOlderVersion) {
  connect("d1", "local");
  model::ToolRequest older;
  older.id = model::make_request_id("chat-c1", "run-1", "5", ToolCallId("call-7"));
  older.user = user_;
  older.daemon = DaemonId("d1");
  older.chat = ChatId("c1");
  older.call = ToolCallId("call-7");
  older.tool = "bash";
  older.arguments = "{}";
  ASSERT_TRUE(get(store_.executions().insert(older, kNever)).ok());
  router_.answers = {done("ok")};
  Activity retry("5", "run-1", 2);
  get(activities_.run_tool(retry, input())).IgnoreError();
  EXPECT_EQ(router_.requests.at(0).id, older.id);
}

TEST_F(RunTool, ReadsArgumentsThatAreTooLargeForAPayloadFromTheAnswer) {
  connect("d1", "local");
  store::AssistantMessage message;
  message.user = user_;
  message.chat = ChatId("c1");
  message.key = to_text({MessageId("m1"), 1, -1});
  const std::string large = concat(R"({"command":")", std::string(100'000, 'x'), R"("})");
  for (int i = 0; i < 40; ++i) message.content.push_back(model::ToolCallBlock{{ToolCallId(concat("call-", i)), "bash", large}});
  ASSERT_TRUE(get(store_.messages().append_assistant_message(message, kNever)).ok());
  Activity model("1");
  workflow::CallModelInput ask;
  ask.user = user_;
  ask.chat = ChatId("c1");
  ask.turn = MessageId("m1");
  ask.through_sequence = 1;
  const auto answer = get(activities_.call_model(model, workflow::to_json_text(ask)));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_LT(answer->size(), 128u * 1024);
  const auto planned = workflow::from_json_text<workflow::CallModelOutput>(*answer);
  ASSERT_TRUE(planned.ok()) << planned.status();
  ASSERT_EQ(planned->tool_calls.size(), 40u);
  workflow::RunToolInput run;
  run.user = user_;
  run.chat = ChatId("c1");
  run.turn = MessageId("m1");
  run.index = 39;
  run.planned = planned->tool_calls[39];
  EXPECT_TRUE(run.planned.stored);
  router_.answers = {done("ok")};
  Activity tool("5");
  get(activities_.run_tool(tool, workflow::to_json_text(run))).IgnoreError();
  ASSERT_EQ(router_.requests.size(), 1u);
  EXPECT_EQ(router_.requests[0].arguments, large);
}

TEST_F(RunTool, ADamagedStoredResultIsNotRerun) {
  connect("d1", "local");
  router_.answers = {done("once")};
  Activity first("5");
  get(activities_.run_tool(first, input())).IgnoreError();
  ASSERT_TRUE(get(database_->run_script("UPDATE messages SET content = '[{'", kNever)).ok());
  Activity again("9");
  EXPECT_EQ(output(get(activities_.run_tool(again, input()))).outcome, model::Outcome::kUnknown);
  EXPECT_EQ(router_.requests.size(), 1u);
}

TEST_F(RunTool, TheMinimalEndOfATurnIsWrittenAsItIs) {
  workflow::FinishTurnInput end;
  end.user = user_;
  end.chat = ChatId("c1");
  end.turn = MessageId("m1");
  end.status = model::ChatStatus::kFailed;
  end.error = workflow::TurnError{"INTERNAL", "the end was refused"};
  end.through_sequence = 1;
  end.minimal = true;
  Activity activity("5");
  const auto written = get(activities_.finish_turn(activity, workflow::to_json_text(end)));
  EXPECT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(get(store_.chats().get(user_, ChatId("c1"), kNever))->status, model::ChatStatus::kFailed);
}

// The engine has lost the turn that made it, and the message that began it is answered by a later turn.
TEST_F(RunTool, OpenCallsOfALostTurnAreClosedBeforeTheModelIsCalled) {
  const auto first = get(store_.messages().append_user_message({user_, ChatId("c1"), "one", "", 0}, kNever));
  store::AssistantMessage message;
  message.user = user_;
  message.chat = ChatId("c1");
  message.key = to_text({first->message.id, 1, -1});
  message.content.push_back(model::ToolCallBlock{{ToolCallId("call-1"), "bash", "{}"}});
  ASSERT_TRUE(get(store_.messages().append_assistant_message(message, kNever)).ok());
  const auto second = get(store_.messages().append_user_message({user_, ChatId("c1"), "two", "", 0}, kNever));
  workflow::CallModelInput ask;
  ask.user = user_;
  ask.chat = ChatId("c1");
  ask.turn = second->message.id;
  ask.through_sequence = second->message.sequence;
  Activity activity("1");
  EXPECT_EQ(get(activities_.call_model(activity, workflow::to_json_text(ask))).status().code(), StatusCode::kUnimplemented);
  const auto messages = get(store_.messages().list(user_, ChatId("c1"), 0, 10, kNever));
  ASSERT_EQ(messages->size(), 4u);
  EXPECT_EQ(messages->back().key, to_text({first->message.id, 1, 0}));
  EXPECT_EQ(std::get<model::ToolResultBlock>(messages->back().content[0]).result.outcome, model::Outcome::kUnknown);
}

// Power loss: the engine has the message's signal, and the store has lost the message.
TEST_F(RunTool, ATurnWithoutAStoredMessageEnds) {
  workflow::CallModelInput ask;
  ask.user = user_;
  ask.chat = ChatId("c1");
  ask.turn = MessageId("gone");
  ask.through_sequence = 7;
  Activity activity("1");
  const auto answer = get(activities_.call_model(activity, workflow::to_json_text(ask)));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(workflow::from_json_text<workflow::CallModelOutput>(*answer)->finished);
}

TEST_F(RunTool, AStoredResultIsReturnedWithoutARun) {
  connect("d1", "local");
  router_.answers = {done("once")};
  Activity first("5");
  get(activities_.run_tool(first, input())).IgnoreError();
  Activity again("9");  // of another run: another request id
  EXPECT_EQ(output(get(activities_.run_tool(again, input()))).outcome, model::Outcome::kExecuted);
  EXPECT_EQ(router_.requests.size(), 1u);
}

TEST_F(RunTool, RetriesGoToTheSameDaemonWithTheSameId) {
  connect("cloudy", "cloud");
  router_.answers = {unavailable("the gateway fell silent"), done("ok")};
  Activity activity("5");
  std::optional<Result<std::string>> answer;
  start_and_send(activity, input(), answer);
  connect("laptop", "local");  // R95 would prefer it for a new request
  simulation_.run_until([&] { return answer.has_value(); }, simulation_.now() + 1h);
  ASSERT_EQ(router_.requests.size(), 2u);
  EXPECT_EQ(router_.requests[0], router_.requests[1]);
  EXPECT_EQ(router_.requests[1].daemon, DaemonId("cloudy"));
}

TEST_F(RunTool, PrefersALocalDaemonToACloudOne) {
  connect("laptop", "local");
  connect("cloudy", "cloud");
  router_.answers = {done("ok")};
  Activity activity("5");
  get(activities_.run_tool(activity, input())).IgnoreError();
  EXPECT_EQ(router_.requests.at(0).daemon, DaemonId("laptop"));
}

TEST_F(RunTool, WithoutADaemonTheOutcomeIsNotExecuted) {
  Activity activity("5");
  const Instant begin = simulation_.now();
  EXPECT_EQ(output(get(activities_.run_tool(activity, input()))).outcome, model::Outcome::kNotExecuted);
  EXPECT_GE(simulation_.now() - begin, ChatActivities::kDaemonTimeout);
  EXPECT_TRUE(router_.requests.empty());
}

TEST_F(RunTool, ADaemonThatDisappearsAfterTheRequestLeavesUnknown) {
  connect("d1", "local");
  router_.answers = {with_reason(unavailable("gone"), kReasonDaemonOffline)};
  router_.repeat_last = true;
  Activity activity("5");
  std::optional<Result<std::string>> answer;
  start_and_send(activity, input(), answer);
  auto dispatched = get(store_.executions().advance(router_.requests[0].id, store::ExecutionState::kDispatched,
                                                    {user_, DaemonId("d1"), 1}, kNever));
  ASSERT_TRUE(dispatched.ok()) << dispatched.status();
  simulation_.run_until([&] { return answer.has_value(); }, simulation_.now() + 1h);
  EXPECT_EQ(output(*answer).outcome, model::Outcome::kUnknown);
}

TEST_F(RunTool, AnUndeliveredRequestIsNotExecuted) {
  connect("d1", "local");
  router_.answers = {with_reason(unavailable("gone"), kReasonDaemonOffline)};
  router_.repeat_last = true;
  Activity activity("5");
  EXPECT_EQ(output(get(activities_.run_tool(activity, input()))).outcome, model::Outcome::kNotExecuted);
}

TEST_F(RunTool, ARequestCancelledBeforeTheSendIsNeverSent) {
  connect("d1", "local");
  Activity activity("5");
  std::optional<Result<std::string>> answer;
  start_and_send(activity, input(), answer);
  activity.reason = temporal::CancelReason::kRequested;
  activity.cancelled().set();
  simulation_.run_until([&] { return answer.has_value(); }, simulation_.now() + 1h);
  EXPECT_EQ(answer->status().code(), StatusCode::kCancelled);
  EXPECT_TRUE(router_.cancelled.empty());
  const auto row = get(store_.executions().get(router_.requests[0].id, kNever));
  ASSERT_TRUE(row.ok() && row->result);
  EXPECT_EQ(row->result->outcome, model::Outcome::kNotExecuted);
}

TEST_F(RunTool, ACancelIsForwardedAndItsOutcomeStored) {
  connect("d1", "local");
  Activity activity("5");
  std::optional<Result<std::string>> answer;
  start_and_send(activity, input(), answer);
  auto dispatched = get(store_.executions().advance(router_.requests[0].id, store::ExecutionState::kDispatched,
                                                    {user_, DaemonId("d1"), 1}, kNever));
  ASSERT_TRUE(dispatched.ok()) << dispatched.status();
  activity.reason = temporal::CancelReason::kRequested;
  activity.cancelled().set();
  simulation_.run_until([&] { return answer.has_value(); }, simulation_.now() + 1h);
  EXPECT_EQ(answer->status().code(), StatusCode::kCancelled);
  EXPECT_EQ(router_.cancelled, router_.requests[0].id);
  auto stored = get(store_.messages().find(user_, ChatId("c1"), "m1/1/0", kNever));
  EXPECT_TRUE(stored.ok() && stored->has_value());
}

TEST_F(RunTool, ALostAttemptDoesNotCancelTheTool) {
  connect("d1", "local");
  Activity activity("5");
  std::optional<Result<std::string>> answer;
  start_and_send(activity, input(), answer);
  activity.reason = temporal::CancelReason::kLost;
  activity.cancelled().set();
  simulation_.run_until([&] { return answer.has_value(); }, simulation_.now() + 1h);
  EXPECT_TRUE(router_.cancelled.empty());
  EXPECT_EQ(answer->status().code(), StatusCode::kCancelled);
}

// --- what only reads ---------------------------------------------------------------------------------------

TEST_F(RunTool, ReadOnlyCallLeavesNoRowAndIsAudited) {
  connect("d1", "local");
  router_.answers = {done("text")};
  Activity activity("5");
  EXPECT_EQ(output(get(activities_.run_tool(activity, input(0, "view")))).outcome, model::Outcome::kExecuted);
  ASSERT_EQ(router_.requests.size(), 1u);
  EXPECT_EQ(router_.requests[0].effect, model::Effect::kReadOnly);
  EXPECT_EQ(get(store_.executions().get(router_.requests[0].id, kNever)).status().code(), StatusCode::kNotFound);
  const auto audit = get(store_.audit().list(user_, {}, kNever));
  ASSERT_TRUE(audit.ok());
  ASSERT_EQ(audit->items.size(), 1u);
  EXPECT_EQ(audit->items[0].object, "view");
  EXPECT_EQ(audit->items[0].daemon, DaemonId("d1"));
}

TEST_F(RunTool, ReadOnlyCallIsRetriedUntilItIsAnswered) {
  connect("d1", "local");
  router_.answers = {unavailable("the stream ended"), deadline_exceeded("late"), done("text")};
  Activity activity("5");
  EXPECT_EQ(output(get(activities_.run_tool(activity, input(0, "view")))).outcome, model::Outcome::kExecuted);
  ASSERT_EQ(router_.requests.size(), 3u);
  EXPECT_EQ(router_.requests[0], router_.requests[2]);
}

TEST_F(RunTool, ReadOnlyCallGoesToTheCurrentDefaultDaemon) {
  connect("cloud1", "cloud");
  Activity first("5");
  std::optional<Result<std::string>> lost;
  start_and_send(first, input(0, "view"), lost);
  first.reason = temporal::CancelReason::kLost;
  first.cancelled().set();
  connect("local1", "local");
  router_.answers = {done("text")};
  Activity second("5");
  get(activities_.run_tool(second, input(0, "view"))).IgnoreError();
  EXPECT_EQ(router_.requests.back().daemon, DaemonId("local1"));
  EXPECT_EQ(get(store_.audit().list(user_, {}, kNever))->items.size(), 2u);
}

TEST_F(RunTool, ReadOnlyCallIsUnknownOnlyIfItMayHaveBeenSent) {
  connect("d1", "local");
  router_.answers = {with_reason(unavailable("gone"), kReasonDaemonOffline)};
  router_.repeat_last = true;
  Activity never_sent("5");
  EXPECT_EQ(output(get(activities_.run_tool(never_sent, input(0, "view")))).outcome, model::Outcome::kNotExecuted);
  router_.answers = {unavailable("the stream ended"), with_reason(unavailable("gone"), kReasonDaemonOffline)};
  Activity sent("6");
  EXPECT_EQ(output(get(activities_.run_tool(sent, input(1, "view")))).outcome, model::Outcome::kUnknown);
}

TEST_F(RunTool, ReadOnlyCallIsUnknownAfterASilentGateway) {
  connect("d1", "local");
  const Result<model::ToolResult> silence = with_reason(unavailable("no gateway answers"), router::kReasonDaemonSilent);
  router_.answers = {silence, model::ToolResult{model::Outcome::kNotExecuted, true, "Cancelled before it came.", 0, 0}};
  Activity refused("5");
  EXPECT_EQ(output(get(activities_.run_tool(refused, input(0, "view")))).outcome, model::Outcome::kUnknown);
  router_.answers = {silence};
  router_.repeat_last = true;
  Activity given_up("6");
  const Instant begin = simulation_.now();
  EXPECT_EQ(output(get(activities_.run_tool(given_up, input(1, "view")))).outcome, model::Outcome::kUnknown);
  EXPECT_GE(simulation_.now() - begin, ChatActivities::kDaemonTimeout);
}

TEST_F(RunTool, ReadOnlyCallIsCancelledWithoutARow) {
  connect("d1", "local");
  Activity activity("5");
  std::optional<Result<std::string>> answer;
  start_and_send(activity, input(0, "view"), answer);
  activity.reason = temporal::CancelReason::kRequested;
  activity.cancelled().set();
  simulation_.run_until([&] { return answer.has_value(); }, simulation_.now() + 1h);
  EXPECT_EQ(answer->status().code(), StatusCode::kCancelled);
  EXPECT_EQ(router_.cancelled, router_.requests[0].id);
}

TEST_F(RunTool, OutputBecomesUpdatesOnceDespiteRetries) {
  connect("d1", "local");
  router_.output = "line\n";
  router_.answers = {done("ok")};
  Activity activity("5");
  get(activities_.run_tool(activity, input())).IgnoreError();
  auto updates = get(store_.updates().list(user_, ChatId("c1"), 0, 100, kNever));
  ASSERT_TRUE(updates.ok());
  int outputs = 0;
  for (const model::Update& update : *updates) outputs += update.kind == model::UpdateKind::kToolOutput;
  EXPECT_EQ(outputs, 1);
  EXPECT_EQ(activity.info().heartbeat_details, R"({"last_chunk":1})");
}

TEST_F(RunTool, AnUnknownToolIsNotExecutedAndTheErrorListsTheTools) {
  workflow::RunToolInput unknown_tool;
  unknown_tool.user = user_;
  unknown_tool.chat = ChatId("c1");
  unknown_tool.turn = MessageId("m1");
  unknown_tool.planned.call = {ToolCallId("x"), "teleport", "{}"};
  Activity activity("5");
  EXPECT_EQ(output(get(activities_.run_tool(activity, workflow::to_json_text(unknown_tool)))).outcome,
            model::Outcome::kNotExecuted);
  auto stored = get(store_.messages().find(user_, ChatId("c1"), "m1/1/0", kNever));
  ASSERT_TRUE(stored.ok() && stored->has_value());
  const auto& block = std::get<model::ToolResultBlock>((*stored)->content.at(0));
  EXPECT_NE(block.result.content.find("bash"), std::string::npos);
}

}  // namespace
}  // namespace reliant::worker

#include <chrono>
#include <new>

#include "unit/daemon/daemon_world.h"

namespace reliant::daemon {
namespace {

using namespace std::chrono_literals;

class DaemonRequests : public DaemonWorld {};

TEST_F(DaemonRequests, RunsAToolAndSendsItsResult) {
  connect();
  gateway_->execute("r1", "echo hello; append /log x");
  run_for(1s);
  const auto results = gateway_->results("r1");
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].outcome(), proto::OUTCOME_EXECUTED);
  EXPECT_EQ(results[0].content(), "hello\n");
  EXPECT_EQ(results[0].output_chunks(), 1u);
  EXPECT_EQ(gateway_->outputs("r1").size(), 1u);
  EXPECT_EQ(machine_.effects.count("r1"), 1u);
  EXPECT_EQ(log_.count("tool.effect.started", "r1"), 1u);
  EXPECT_EQ(log_.count("tool.effect.finished", "r1"), 1u);
  const auto& heard = gateway_->streams[0]->heard;
  EXPECT_TRUE(heard[0].frame.has_tool_accepted());
  EXPECT_TRUE(heard.back().frame.has_tool_finished());  // behind its output
}

TEST_F(DaemonRequests, DuplicateRequestRunsOnce) {
  connect();
  for (int i = 0; i < 5; ++i) gateway_->execute("r1", "append /log x; sleep 1");
  run_for(500ms);
  gateway_->execute("r1", "append /log x; sleep 1");
  run_for(2s);
  gateway_->execute("r1", "append /log x; sleep 1");
  run_for(1s);
  EXPECT_EQ(machine_.effects.count("r1"), 1u);
  EXPECT_EQ(log_.count("tool.effect.started"), 1u);
  EXPECT_EQ(gateway_->results("r1").size(), 2u);  // the end, and the answer to the last question
}

TEST_F(DaemonRequests, RejectsReusedRequestId) {
  connect();
  gateway_->execute("r1", "append /log x");
  run_for(1s);
  gateway_->acknowledge_result("r1");
  run_for(1s);
  gateway_->execute("r1", "append /log y");
  run_for(1s);
  ASSERT_EQ(gateway_->results("r1").size(), 2u);
  EXPECT_EQ(gateway_->results("r1")[1].outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_EQ(machine_.effects.count("r1"), 1u);
}

class ThrowingTool final : public tools::Tool {
 public:
  ThrowingTool(std::string name, model::Effect effect) {
    descriptor_.name = std::move(name);
    descriptor_.effect = effect;
  }
  const tools::ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(tools::ToolInvocation, tools::ToolOutput& output) override {
    co_await output.write("a beginning");
    throw std::bad_alloc();
  }

 private:
  tools::ToolDescriptor descriptor_;
};

// Security notes 1.2: the exception ended every task of the daemon, which stayed connected.
TEST_F(DaemonRequests, ThrowingToolFailsOnlyItsOwnRequest) {
  connect();
  life_->tools.add(std::make_unique<ThrowingTool>("explode", model::Effect::kNonIdempotent));
  life_->tools.add(std::make_unique<ThrowingTool>("explode_reading", model::Effect::kReadOnly));
  gateway_->execute("beside", "sleep 2; echo unharmed");
  gateway_->call("r1", "explode", "{}");
  gateway_->read("r2", "explode_reading", "{}");
  run_for(1s);
  for (const char* id : {"r1", "r2"}) {
    const auto results = gateway_->results(id);
    ASSERT_EQ(results.size(), 1u) << id;
    EXPECT_EQ(results[0].outcome(), proto::OUTCOME_EXECUTED) << id;  // it ran; how far is not known
    EXPECT_TRUE(results[0].is_error()) << id;
    EXPECT_NE(results[0].content().find("bad_alloc"), std::string::npos) << results[0].content();
    EXPECT_EQ(results[0].output_chunks(), 1u) << id;
    EXPECT_EQ(log_.count("tool.effect.finished", id), 1u);
    EXPECT_EQ(log_.count("daemon.tool.threw", id), 1u);
  }
  gateway_->execute("after", "echo still here");
  run_for(2s);
  ASSERT_EQ(gateway_->results("beside").size(), 1u);
  EXPECT_EQ(gateway_->results("beside")[0].content(), "unharmed\n");
  ASSERT_EQ(gateway_->results("after").size(), 1u);
  EXPECT_EQ(gateway_->results("after")[0].content(), "still here\n");
}

TEST_F(DaemonRequests, KillCommandSkipsTheGracePeriod) {
  connect();
  gateway_->execute("r1", "trap '' TERM; sleep 60");
  run_for(1s);
  proto::GatewayFrame frame;
  frame.mutable_command()->set_command_id("c1");
  frame.mutable_command()->mutable_kill_process()->set_request_id("r1");
  gateway_->send(frame);
  run_for(100ms);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].outcome(), proto::OUTCOME_EXECUTED);
  EXPECT_TRUE(gateway_->results("r1")[0].is_error());
  EXPECT_EQ(machine_.running, 0u);
  frame.mutable_command()->set_command_id("c2");
  gateway_->send(frame);
  run_for(100ms);
  const auto& answer = gateway_->streams[0]->heard.back().frame.command_done();
  EXPECT_EQ(answer.command_id(), "c2");
  EXPECT_EQ(answer.code(), static_cast<int>(StatusCode::kNotFound));
}

TEST_F(DaemonRequests, NoStartRequestIsAnsweredFromTheJournalOrRefused) {
  connect();
  gateway_->execute("r1", "append /log x");
  run_for(1s);
  for (const char* id : {"r1", "r2"}) {
    proto::GatewayFrame frame;
    proto::ExecuteTool& request = *frame.mutable_execute_tool();
    request.set_request_id(id);
    request.set_tool("bash");
    request.set_arguments(R"({"command":"append /log x"})");
    request.set_effect(proto::EFFECT_NON_IDEMPOTENT);
    request.set_must_not_start(true);
    request.set_without_output(true);
    gateway_->send(frame);
    run_for(1s);
  }
  EXPECT_EQ(gateway_->results("r1").back().outcome(), proto::OUTCOME_EXECUTED);
  ASSERT_EQ(gateway_->results("r2").size(), 1u);
  EXPECT_EQ(gateway_->results("r2")[0].outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_EQ(machine_.effects.count("r2"), 0u);
}

TEST_F(DaemonRequests, RequestWithoutOutputSendsOnlyTheResult) {
  connect();
  proto::GatewayFrame frame;
  proto::ExecuteTool& request = *frame.mutable_execute_tool();
  request.set_request_id("r1");
  request.set_tool("bash");
  request.set_arguments(R"({"command":"echo one; sleep 1; echo two"})");
  request.set_without_output(true);
  gateway_->send(frame);
  run_for(3s);
  EXPECT_TRUE(gateway_->outputs("r1").empty());
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_GT(gateway_->results("r1")[0].output_chunks(), 0u);
}

TEST_F(DaemonRequests, ReloadCommandRereadsTheConfiguration) {
  options_.read_again = [] { return DaemonSettings{"new name", {{"gpu", "yes"}}, {"gw:1"}}; };
  connect();
  proto::GatewayFrame frame;
  frame.mutable_command()->set_command_id("c1");
  frame.mutable_command()->mutable_reload_config();
  gateway_->send(frame);
  run_for(100ms);
  EXPECT_EQ(gateway_->streams[0]->heard.back().frame.command_done().code(), 0);
  gateway_->hang_up(unavailable("restart"));
  run_for(60s);
  ASSERT_EQ(gateway_->streams.size(), 2u);
  EXPECT_EQ(gateway_->streams[1]->registration.name(), "new name");
  EXPECT_EQ(gateway_->streams[1]->registration.labels().at("gpu"), "yes");
}

TEST_F(DaemonRequests, JournalIdSurvivesRestartAndChangesWithTheJournal) {
  connect();
  const std::string name = gateway_->streams[0]->registration.journal_id();
  EXPECT_FALSE(name.empty());
  crash();
  start();
  run_for(1s);
  EXPECT_EQ(gateway_->streams.back()->registration.journal_id(), name);
  crash();
  journal_ = *adapters::SqliteDatabase::open(":memory:");
  start();
  run_for(1s);
  EXPECT_NE(gateway_->streams.back()->registration.journal_id(), name);
}

TEST_F(DaemonRequests, RequestsRunInParallel) {
  connect();
  for (int i = 0; i < 10; ++i) gateway_->execute(concat("r", i), "sleep 5; echo done");
  run_for(5500ms);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(gateway_->results(concat("r", i)).size(), 1u);
}

class DaemonQueue : public DaemonWorld {
 protected:
  DaemonQueue() {
    options_.max_tools = 2;
    options_.max_waiting_tools = 3;
  }
  void execute(std::string id) {
    gateway_->execute(std::move(id), "append /log x; sleep 10; echo done");
    run_for(50ms);
  }
  proto::ToolFinished result(const std::string& id) {
    const auto results = gateway_->results(id);
    EXPECT_FALSE(results.empty()) << id;  // offered again and again: there is no acknowledgement
    return results.empty() ? proto::ToolFinished() : results.back();
  }
};

TEST_F(DaemonQueue, LimitsConcurrencyAndRunsQueuedRequestsInOrder) {
  connect();
  for (const char* id : {"r1", "r2", "r3", "r4", "r5"}) execute(id);
  EXPECT_EQ(log_.count("tool.effect.started"), 2u);
  run_for(10s);
  EXPECT_EQ(log_.count("tool.effect.started"), 4u);
  EXPECT_EQ(log_.count("tool.effect.started", "r5"), 0u);
  run_for(20s);
  for (const char* id : {"r1", "r2", "r3", "r4", "r5"}) {
    EXPECT_EQ(result(id).outcome(), proto::OUTCOME_EXECUTED);
    EXPECT_EQ(machine_.effects.count(id), 1u);
  }
}

TEST_F(DaemonQueue, RejectsRequestsBeyondTheQueueLimit) {
  connect();
  for (const char* id : {"r1", "r2", "r3", "r4", "r5", "r6"}) execute(id);
  EXPECT_EQ(result("r6").outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_TRUE(result("r6").is_error());
  EXPECT_NE(result("r6").content().find("RESOURCE_EXHAUSTED"), std::string::npos) << result("r6").content();
  run_for(1min);
  EXPECT_EQ(machine_.effects.count("r6"), 0u);
  EXPECT_EQ(result("r5").outcome(), proto::OUTCOME_EXECUTED);
  execute("r7");  // there is room again
  run_for(11s);
  EXPECT_EQ(result("r7").outcome(), proto::OUTCOME_EXECUTED);
}

TEST_F(DaemonQueue, CancelledQueuedRequestIsNotExecuted) {
  connect();
  for (const char* id : {"r1", "r2", "r3", "r4"}) execute(id);
  gateway_->cancel("r3");
  run_for(1s);
  EXPECT_EQ(result("r3").outcome(), proto::OUTCOME_NOT_EXECUTED);
  ASSERT_EQ(gateway_->cancels("r3").size(), 1u);
  EXPECT_FALSE(gateway_->cancels("r3")[0].was_running());
  run_for(1min);
  EXPECT_EQ(machine_.effects.count("r3"), 0u);
  EXPECT_EQ(result("r4").outcome(), proto::OUTCOME_EXECUTED);
  execute("r3");  // also when it comes again
  EXPECT_EQ(gateway_->results("r3").back().outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_EQ(machine_.effects.count("r3"), 0u);
}

TEST_F(DaemonQueue, RequestQueuedAtACrashRunsOnRetry) {
  connect();
  for (const char* id : {"r1", "r2", "r3"}) execute(id);
  crash();
  start();
  run_for(2s);
  EXPECT_EQ(result("r1").outcome(), proto::OUTCOME_UNKNOWN);
  EXPECT_TRUE(gateway_->results("r3").empty());
  execute("r3");
  run_for(11s);
  EXPECT_EQ(result("r3").outcome(), proto::OUTCOME_EXECUTED);
}

TEST_F(DaemonQueue, KnownResultIsNotDelayedByTheQueue) {
  connect();
  execute("r1");
  run_for(10s);
  for (const char* id : {"r2", "r3", "r4", "r5", "r6"}) execute(id);
  const std::size_t before = gateway_->results("r1").size();
  execute("r1");
  EXPECT_GT(gateway_->results("r1").size(), before);
}

TEST_F(DaemonQueue, StoppingDaemonStartsNoQueuedRequest) {
  connect();
  for (const char* id : {"r1", "r2", "r3"}) execute(id);
  gateway_->acknowledges_results = true;
  TaskScope stopper(executor_, 3);
  stopper.spawn([](Daemon& daemon, Instant deadline) -> Task<void> { co_await daemon.stop(deadline); }(life_->daemon,
                                                                                                       executor_.now() + 60s));
  run_for(15s);
  EXPECT_TRUE(life_->end.has_value()) << "it waits for those that run";
  EXPECT_EQ(machine_.effects.count("r3"), 0u);
  EXPECT_TRUE(gateway_->results("r3").empty());
}

// Security notes 1.15: they ran on beside the next life, which told the model "unknown".
TEST_F(DaemonRequests, OrphanedToolsAreKilledBeforeReconnectingAfterRestart) {
  connect();
  gateway_->execute("r1", "sleep 600");
  gateway_->execute("r2", "echo done");
  run_for(1s);
  crash();
  sim::SimProcesses others(machine_, Random(9));
  std::vector<std::unique_ptr<ports::Process>> left;
  TaskScope scope(executor_, 5);
  const auto leave = [](sim::SimProcesses& all, std::string request, auto& out) -> Task<void> {
    out.push_back(*co_await all.spawn({.argv = {"bash", "-c", "sleep 600"}, .environment = {{"RELIANT_REQUEST_ID", request}}}));
  };
  scope.spawn(leave(others, "r1", left));
  scope.spawn(leave(others, "r2", left));  // had ended in order: its background process was meant to stay
  run_for(1s);
  EXPECT_EQ(machine_.running, 2u);
  start();
  run_for(1s);
  ASSERT_TRUE(life_->daemon.connected());
  EXPECT_EQ(machine_.running, 1u);
  EXPECT_EQ(log_.count("daemon.left_behind.ended", "r1"), 1u);
  EXPECT_EQ(log_.count("daemon.left_behind.ended"), 1u);
}

TEST_F(DaemonRequests, RequestInterruptedByCrashIsUnknownAndNotRerun) {
  connect();
  gateway_->execute("r1", "append /log x; sleep 10; append /log y");
  run_for(2s);
  crash();
  run_for(1s);
  start();
  run_for(2s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);  // offered without being asked
  EXPECT_EQ(gateway_->results("r1")[0].outcome(), proto::OUTCOME_UNKNOWN);
  gateway_->execute("r1", "append /log x; sleep 10; append /log y");
  run_for(20s);
  EXPECT_EQ(gateway_->results("r1").back().outcome(), proto::OUTCOME_UNKNOWN);
  EXPECT_EQ(machine_.effects.count("r1"), 1u);
  EXPECT_EQ(log_.count("tool.effect.started", "r1"), 1u);
}

TEST_F(DaemonRequests, ReadOnlyRequestIsRerunAfterCrash) {
  connect();
  EXPECT_TRUE(machine_.disk.write("/project/file", "text", {}).ok());
  machine_.disk_faults.latency = 1s;
  gateway_->call("r1", "view", R"({"path":"file"})", 0, proto::EFFECT_READ_ONLY);
  executor_.run_until(executor_.now() + 1ms);
  crash();
  start();
  run_for(1s);
  EXPECT_EQ(gateway_->results("r1").size(), 0u);
  gateway_->call("r1", "view", R"({"path":"file"})", 0, proto::EFFECT_READ_ONLY);
  run_for(3s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].content(), "     1\ttext\n");
}

TEST_F(DaemonRequests, ServerCannotDeclareAToolRepeatable) {
  connect();
  gateway_->execute("r1", "append /log x; sleep 10", 0, proto::EFFECT_READ_ONLY);
  run_for(1s);
  crash();
  start();
  run_for(1s);
  gateway_->execute("r1", "append /log x; sleep 10", 0, proto::EFFECT_READ_ONLY);
  run_for(20s);
  EXPECT_EQ(machine_.effects.count("r1"), 1u);
  EXPECT_EQ(gateway_->results("r1").back().outcome(), proto::OUTCOME_UNKNOWN);
}

TEST_F(DaemonRequests, ResultIsResentUntilAcknowledged) {
  connect();
  gateway_->execute("r1", "echo x");
  run_for(29s);
  EXPECT_EQ(gateway_->results("r1").size(), 1u);
  run_for(2s);
  EXPECT_EQ(gateway_->results("r1").size(), 2u);
  gateway_->hang_up(unavailable("restart"));
  run_for(5s);
  ASSERT_EQ(gateway_->streams.size(), 2u);
  EXPECT_EQ(gateway_->results("r1").size(), 3u);
  crash();
  start();
  run_for(5s);
  EXPECT_EQ(gateway_->results("r1").size(), 4u);
  gateway_->acknowledge_result("r1");
  run_for(1s);
  crash();
  start();
  run_for(60s);
  EXPECT_EQ(gateway_->results("r1").size(), 4u);
}

TEST_F(DaemonRequests, RunningRequestContinuesWhileDisconnected) {
  connect();
  gateway_->execute("r1", "sleep 5; append /log x; echo done");
  run_for(1s);
  gateway_->refuse_with(unavailable("busy"));
  gateway_->hang_up(unavailable("restart"));
  run_for(60s);
  EXPECT_EQ(machine_.effects.count("r1"), 1u);
  gateway_.reset();
  gateway_ = make_gateway("gw:1");
  gateway_->acknowledges_results = true;
  run_for(60s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].content(), "done\n");
}

TEST_F(DaemonRequests, UnknownToolIsRefused) {
  connect();
  gateway_->call("r1", "no-such-tool", "{}");
  gateway_->call("r2", "bash", "{");
  run_for(1s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_NE(gateway_->results("r1")[0].content().find("bash, edit"), std::string::npos);
  EXPECT_EQ(gateway_->results("r2")[0].outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_EQ(log_.count("tool.effect.started"), 0u);
}

TEST_F(DaemonRequests, CancelKillsTheRunningToolsProcesses) {
  connect();
  gateway_->execute("r1", "append /log x; echo before; sleep 100; append /log y");
  run_for(1s);
  gateway_->cancel("r1");
  run_for(1s);
  ASSERT_EQ(gateway_->cancels("r1").size(), 1u);
  EXPECT_TRUE(gateway_->cancels("r1")[0].was_running());
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_TRUE(gateway_->results("r1")[0].is_error());
  EXPECT_EQ(gateway_->results("r1")[0].content(), "before\n[cancelled: was ended with SIGTERM]");
  EXPECT_EQ(log_.count("tool.effect.finished", "r1"), 1u);
  EXPECT_EQ(machine_.running, 0u);
  gateway_->cancel("r1");  // idempotent
  gateway_->execute("r1", "append /log x; echo before; sleep 100; append /log y");
  run_for(200s);
  EXPECT_EQ(gateway_->cancels("r1").size(), 2u);
  EXPECT_EQ(machine_.effects.count("r1"), 1u);
}

TEST_F(DaemonRequests, CancelKillsAToolThatIgnoresIt) {
  connect();
  gateway_->execute("r1", "stubborn; append /log x; sleep 1000");
  machine_.disk_faults.latency = 1h;
  gateway_->call("r2", "view", R"({"path":"/log"})", 0, proto::EFFECT_READ_ONLY);
  run_for(1s);
  gateway_->cancel("r1");
  gateway_->cancel("r2");
  run_for(10s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].content(), "[cancelled: was ended with SIGTERM, then SIGKILL]");
  ASSERT_EQ(gateway_->results("r2").size(), 1u);
  EXPECT_TRUE(gateway_->results("r2")[0].is_error());
  EXPECT_EQ(machine_.running, 0u);
  EXPECT_EQ(log_.count("tool.effect.finished"), 2u);
}

TEST_F(DaemonRequests, RequestCancelledBeforeArrivalIsNotRun) {
  connect();
  gateway_->cancel("r1");
  run_for(1s);
  ASSERT_EQ(gateway_->cancels("r1").size(), 1u);
  EXPECT_FALSE(gateway_->cancels("r1")[0].was_running());
  gateway_->execute("r1", "append /log x");
  run_for(1s);
  EXPECT_EQ(gateway_->results("r1").back().outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_EQ(machine_.effects.count("r1"), 0u);
}

// The first commits fail and are repeated a little later, behind others.
class AbortingJournal final : public ports::Database {
 public:
  explicit AbortingJournal(ports::Database& inner) : inner_(inner) {}
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    CO_TRY_ASSIGN(auto inner, co_await inner_.begin(access, deadline));
    co_return std::make_unique<AbortingTransaction>(*this, std::move(inner));
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override { return inner_.run_script(sql, deadline); }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return inner_.wall_now(deadline); }

  int aborts = 0;

 private:
  class AbortingTransaction final : public ports::Transaction {
   public:
    AbortingTransaction(AbortingJournal& journal, std::unique_ptr<ports::Transaction> inner)
        : journal_(journal), inner_(std::move(inner)) {}
    Task<Result<ports::Rows>> execute(std::string_view sql, ports::Values parameters) override {
      return inner_->execute(sql, std::move(parameters));
    }
    Task<Status> commit() override {
      if (journal_.aborts > 0) {
        --journal_.aborts;
        inner_.reset();
        co_return aborted("again");
      }
      co_return co_await inner_->commit();
    }

   private:
    AbortingJournal& journal_;
    std::unique_ptr<ports::Transaction> inner_;
  };
  ports::Database& inner_;
};

class DaemonRequestsOnAnAbortingJournal : public DaemonRequests {
 protected:
  ports::Database& journal() override { return aborting_; }
  AbortingJournal aborting_{*journal_};
};

// Found by the simulator (smoke/api_replica_dies_under_stream, seed 382): the refusal was written behind the admission, took
// the run for one of an earlier life, and told "unknown" while it was going on.
TEST_F(DaemonRequestsOnAnAbortingJournal, RequestRacingItsCancelEndsOnce) {
  connect();
  aborting_.aborts = 1;
  gateway_->cancel("r1");
  run_for(1ms);
  ASSERT_EQ(aborting_.aborts, 0);
  ASSERT_TRUE(gateway_->cancels("r1").empty());
  gateway_->execute("r1", "append /log x; sleep 2; append /log y");
  gateway_->cancel("r1");
  run_for(5s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_EQ(machine_.effects.count("r1"), 0u);
  EXPECT_EQ(gateway_->cancels("r1").size(), 2u);
}

TEST_F(DaemonRequests, CrashAtAnyStepNeverRunsARequestTwice) {
  std::size_t unknown = 0;
  std::size_t executed = 0;
  for (std::uint64_t steps = 1; steps < 160; steps += 3) {
    const std::string id = concat("r", steps);
    gateway_.reset();
    life_.reset();
    connect();
    gateway_->execute(id, "append /log x; append /log y; echo done");
    executor_.run(steps);
    crash();
    start();
    run_for(5s);
    gateway_->execute(id, "append /log x; append /log y; echo done");
    run_for(5s);
    EXPECT_LE(machine_.effects.count(id, "append /log x"), 1u) << steps;
    EXPECT_LE(log_.count("tool.effect.started", id), 1u) << steps;
    const auto results = gateway_->results(id);
    ASSERT_FALSE(results.empty()) << steps;
    unknown += results.back().outcome() == proto::OUTCOME_UNKNOWN ? 1 : 0;
    executed += results.back().outcome() == proto::OUTCOME_EXECUTED ? 1 : 0;
    if (results.back().outcome() == proto::OUTCOME_EXECUTED)
      EXPECT_EQ(machine_.effects.count(id, "append /log y"), 1u) << steps;
    gateway_->acknowledge_result(id);
    run_for(1s);
  }
  EXPECT_GT(unknown, 0u);
  EXPECT_GT(executed, 0u);
}

TEST_F(DaemonRequests, RequestIsNotRunWhenJournalWriteFails) {
  connect();
  auto blocker = std::make_unique<TaskScope>(executor_, 2);
  std::unique_ptr<ports::Transaction> held;
  blocker->spawn([](ports::Database& journal, std::unique_ptr<ports::Transaction>& out) -> Task<void> {
    out = *co_await journal.begin(ports::Access::kWrite, kNever);
  }(*journal_, held));
  run_for(1ms);
  gateway_->execute("r1", "append /log x");
  run_for(40s);
  EXPECT_EQ(machine_.effects.count("r1"), 0u);
  held.reset();
  run_for(40s);
  ASSERT_FALSE(gateway_->results("r1").empty());
  EXPECT_EQ(gateway_->results("r1").back().outcome(), proto::OUTCOME_NOT_EXECUTED);
  gateway_->acknowledge_result("r1");
  gateway_->execute("r2", "append /log x");
  run_for(5s);
  EXPECT_EQ(machine_.effects.count("r2"), 1u);
}

}  // namespace
}  // namespace reliant::daemon

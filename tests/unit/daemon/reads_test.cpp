// Requests of tools that only read: the journal never hears of them.
#include <chrono>

#include "daemon/reads.h"
#include "unit/daemon/daemon_world.h"

namespace reliant::daemon {
namespace {

using namespace std::chrono_literals;

// Reads a line each second, three of them.
class TailTool final : public tools::Tool {
 public:
  TailTool() {
    descriptor_.name = "tail";
    descriptor_.effect = model::Effect::kReadOnly;
  }
  const tools::ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(tools::ToolInvocation, tools::ToolOutput& output) override {
    for (const char* line : {"a", "b", "c"}) {
      co_await output.write(line);
      co_await sleep_for(1s);  // virtual time: the duration of the tool
    }
    model::ToolResult result;
    result.content = "abc";
    co_return result;
  }

 private:
  tools::ToolDescriptor descriptor_;
};

class DaemonReads : public DaemonWorld {
 protected:
  void connect() {
    DaemonWorld::connect();
    life_->tools.add(std::make_unique<TailTool>());
    EXPECT_TRUE(machine_.disk.write("/project/file", "text", {}).ok());
  }
  void view(const std::string& id) { gateway_->read(id, "view", R"({"path":"file"})"); }
  void tail(const std::string& id, std::uint64_t resume = 0) { gateway_->read(id, "tail", "{}", resume); }
  std::int64_t rows_in_journal() {
    std::optional<std::int64_t> found;
    const auto count = [](ports::Database& journal, std::optional<std::int64_t>& rows) -> Task<void> {
      auto transaction = co_await journal.begin(ports::Access::kRead, kNever);
      const auto answer = co_await (*transaction)->execute("SELECT COUNT(*) FROM requests", {});
      rows = (*answer)[0].integer(0);
    };
    TaskScope scope(executor_, 7);
    scope.spawn(count(*journal_, found));
    run_for(1ms);
    return found.value_or(-1);
  }
};

TEST_F(DaemonReads, ReadIsAnsweredWithoutAJournalEntry) {
  connect();
  view("r1");
  run_for(1s);
  const auto results = gateway_->results("r1");
  ASSERT_EQ(results.size(), 1u);
  EXPECT_TRUE(results[0].unrecorded());
  EXPECT_EQ(results[0].content(), "     1\ttext\n");
  EXPECT_EQ(log_.count("tool.effect.finished", "r1"), 1u);
  EXPECT_EQ(gateway_->streams[0]->heard.size(), 1u);  // nor are they said to be accepted
  EXPECT_EQ(rows_in_journal(), 0);
}

TEST_F(DaemonReads, ReadResultSurvivesReconnectUntilRetried) {
  connect();
  tail("r1");
  run_for(1500ms);
  gateway_->hang_up(unavailable("gone"));
  run_for(60s);
  ASSERT_GE(gateway_->streams.size(), 2u);
  EXPECT_EQ(gateway_->results("r1").size(), 0u);  // no request has come on this stream
  tail("r1", 2);
  run_for(1s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].output_chunks(), 3u);
  EXPECT_EQ(gateway_->outputs("r1").back().chunk(), 3u);
  EXPECT_EQ(log_.count("tool.effect.started", "r1"), 1u);
}

TEST_F(DaemonReads, ReadResultIsSentOncePerRequest) {
  connect();
  view("r1");
  run_for(10min);
  EXPECT_EQ(gateway_->results("r1").size(), 1u);
}

TEST_F(DaemonReads, AcknowledgedReadIsReexecutedOnRetry) {
  connect();
  view("r1");
  run_for(1s);
  proto::GatewayFrame beat;
  beat.mutable_heartbeat()->set_number(2);
  beat.add_answered("r1");
  gateway_->send(std::move(beat));
  run_for(1s);
  view("r1");
  run_for(1s);
  EXPECT_EQ(gateway_->results("r1").size(), 2u);
  EXPECT_EQ(log_.count("tool.effect.started", "r1"), 2u);
}

TEST_F(DaemonReads, ReadIsReexecutedAfterRestartAndChunkNumbersContinue) {
  connect();
  tail("r1");
  run_for(1500ms);
  EXPECT_EQ(gateway_->outputs("r1").back().chunk(), 2u);
  crash();
  start();
  life_->tools.add(std::make_unique<TailTool>());
  run_for(1s);
  tail("r1", 2);
  run_for(5s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].outcome(), proto::OUTCOME_EXECUTED);
  EXPECT_EQ(gateway_->results("r1")[0].output_chunks(), 5u);
  EXPECT_EQ(gateway_->outputs("r1")[2].chunk(), 3u);
}

TEST_F(DaemonReads, RejectsReadOfAToolWithSideEffects) {
  connect();
  gateway_->read("r1", "bash", R"({"command":"append /log x"})");
  run_for(1s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_NE(gateway_->results("r1")[0].content().find("does more than read"), std::string::npos);
  EXPECT_EQ(machine_.effects.count("r1"), 0u);
}

TEST_F(DaemonReads, ReadCancelledBeforeArrivalIsNotRun) {
  connect();
  gateway_->cancel("r1", true);
  run_for(1s);
  ASSERT_EQ(gateway_->cancels("r1").size(), 1u);
  EXPECT_FALSE(gateway_->cancels("r1")[0].was_running());
  EXPECT_EQ(gateway_->results("r1").size(), 0u);
  view("r1");
  run_for(1s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_EQ(log_.count("tool.effect.started", "r1"), 0u);
  EXPECT_EQ(rows_in_journal(), 0);
}

TEST_F(DaemonReads, CancelWithoutRowAppliesToRecordedRequests) {
  connect();
  gateway_->cancel("r1", true);
  run_for(1s);
  gateway_->execute("r1", "append /log x");
  run_for(1s);
  EXPECT_EQ(gateway_->results("r1").back().outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_EQ(machine_.effects.count("r1"), 0u);
}

TEST_F(DaemonReads, RunningReadIsCancelledAndReported) {
  connect();
  tail("r1");
  run_for(500ms);
  gateway_->cancel("r1", true);
  run_for(10s);
  ASSERT_EQ(gateway_->cancels("r1").size(), 1u);
  EXPECT_TRUE(gateway_->cancels("r1")[0].was_running());
  EXPECT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(log_.count("tool.effect.finished", "r1"), 1u);
}

class DaemonReadsInTurn : public DaemonReads {
 protected:
  DaemonReadsInTurn() {
    options_.max_tools = 1;
    options_.max_waiting_tools = 1;
  }
};

TEST_F(DaemonReadsInTurn, ReadsQueueUpToTheLimit) {
  connect();
  gateway_->execute("r0", "sleep 10");
  run_for(100ms);
  view("r1");
  run_for(100ms);
  view("r2");
  run_for(1s);
  EXPECT_EQ(gateway_->results("r1").size(), 0u);
  ASSERT_EQ(gateway_->results("r2").size(), 1u);
  EXPECT_EQ(gateway_->results("r2")[0].outcome(), proto::OUTCOME_NOT_EXECUTED);
  EXPECT_NE(gateway_->results("r2")[0].content().find("RESOURCE_EXHAUSTED"), std::string::npos);
  run_for(10s);
  ASSERT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(gateway_->results("r1")[0].outcome(), proto::OUTCOME_EXECUTED);
}

class ReadsMemory : public ::testing::Test {
 protected:
  static model::ToolResult of_size(std::size_t bytes) {
    model::ToolResult result;
    result.content = std::string(bytes, 'x');
    return result;
  }
  Executor executor_{1};
  sim::SimClock clock_{executor_, 0};
  Reads reads_{clock_};
};

TEST_F(ReadsMemory, EvictsByCountBytesAndAge) {
  const RequestId first("first");
  for (std::size_t i = 0; i < Reads::kResults; ++i) {
    reads_.keep(i == 0 ? first : RequestId(concat(i)), of_size(1));
  }
  EXPECT_NE(reads_.result(first), nullptr);
  reads_.keep(RequestId("one more"), of_size(1));
  EXPECT_EQ(reads_.result(first), nullptr);

  reads_.keep(RequestId("large"), of_size(Reads::kBytes));
  EXPECT_EQ(reads_.result(RequestId("one more")), nullptr);
  EXPECT_NE(reads_.result(RequestId("large")), nullptr);

  executor_.run_until(executor_.now() + Reads::kKept);
  EXPECT_EQ(reads_.result(RequestId("large")), nullptr);
}

TEST_F(ReadsMemory, OutputCountsTowardsTheLimitAndIsFreedWithTheResult) {
  const RequestId id("r1");
  reads_.add_output(id, {1, std::string(Reads::kBytes / 2, 'a')}, 0);
  reads_.add_output(id, {2, std::string(Reads::kBytes / 2, 'b')}, 0);
  EXPECT_EQ(reads_.output_after(id, 0)->number, 1u);
  reads_.add_output(id, {3, "c"}, 1);
  EXPECT_EQ(reads_.output_after(id, 0)->number, 2u);
  reads_.keep(id, of_size(1));
  EXPECT_NE(reads_.result(id), nullptr);
  EXPECT_TRUE(reads_.acknowledge(id));
  EXPECT_FALSE(reads_.acknowledge(id));
  EXPECT_EQ(reads_.output_after(id, 0), std::nullopt);
}

TEST_F(ReadsMemory, EvictsTheOldestRefusals) {
  for (std::size_t i = 0; i <= Reads::kRefusals; ++i) reads_.refuse(RequestId(concat(i)));
  EXPECT_FALSE(reads_.is_refused(RequestId("0")));
  EXPECT_TRUE(reads_.is_refused(RequestId("1")));
}

}  // namespace
}  // namespace reliant::daemon

#include <chrono>

#include "unit/daemon/daemon_world.h"

namespace reliant::daemon {
namespace {

using namespace std::chrono_literals;

class DaemonOutput : public DaemonWorld {
 protected:
  // What the gateway has got of a request, in order; a gap shows as "…".
  static std::string text(const std::vector<proto::ToolOutput>& chunks) {
    std::string all;
    for (const auto& chunk : chunks) all += (chunk.gap() ? "…" : "") + chunk.data();
    return all;
  }
};

TEST_F(DaemonOutput, ResumesAfterReconnectAtTheAcknowledgedChunk) {
  connect();
  const std::string script = "echo one; sleep 5; echo two; sleep 5; echo three; sleep 5; echo four";
  gateway_->execute("r1", script);
  run_for(6s);
  EXPECT_EQ(text(gateway_->outputs("r1")), "one\ntwo\n");
  gateway_->hang_up(unavailable("restart"));
  run_for(7s);
  EXPECT_EQ(gateway_->outputs("r1").size(), 2u);  // no request has come on the new stream
  gateway_->execute("r1", script, 2);
  run_for(10s);
  EXPECT_EQ(text(gateway_->outputs("r1")), "one\ntwo\nthree\nfour\n");
  EXPECT_EQ(gateway_->results("r1").back().output_chunks(), 4u);
}

TEST_F(DaemonOutput, RetryAfterCrashResumesAfterTheRequestedChunk) {
  connect();
  gateway_->acknowledges_outputs = false;
  const std::string script = "echo one; sleep 1; echo two; sleep 1; echo three";
  gateway_->execute("r1", script);
  run_for(1500ms);
  crash();
  start();
  run_for(5s);
  gateway_->streams.front()->heard.clear();
  gateway_->execute("r1", script, 1);
  run_for(5s);
  EXPECT_EQ(text(gateway_->outputs("r1")), "two\n");
  EXPECT_EQ(gateway_->results("r1").back().outcome(), proto::OUTCOME_UNKNOWN);
  EXPECT_EQ(gateway_->results("r1").back().output_chunks(), 2u);
}

TEST_F(DaemonOutput, DroppedChunksAreReportedAsAGap) {
  gateway_ = make_gateway("gw:1");
  start();
  run_for(10ms);
  gateway_->execute("r1", "sleep 3; seq 1000000; echo end; sleep 1000");
  run_for(1s);
  gateway_->refuse_with(unavailable("busy"));
  gateway_->hang_up(unavailable("restart"));
  run_for(60s);  // 6.9 MB are written while the gateway does not read
  gateway_.reset();
  gateway_ = make_gateway("gw:1");
  run_for(60s);
  gateway_->execute("r1", "sleep 3; seq 1000000; echo end; sleep 1000");
  run_for(60s);
  const auto outputs = gateway_->outputs("r1");
  ASSERT_FALSE(outputs.empty());
  EXPECT_TRUE(outputs[0].gap());
  EXPECT_GT(outputs[0].chunk(), 1u);
  std::size_t bytes = outputs[0].data().size();
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    EXPECT_EQ(outputs[i].chunk(), outputs[i - 1].chunk() + 1);
    EXPECT_FALSE(outputs[i].gap());
    bytes += outputs[i].data().size();
  }
  EXPECT_LE(bytes, 4u << 20);
  EXPECT_GT(bytes, 3u << 20);
  EXPECT_TRUE(outputs.back().data().ends_with("end\n"));
}

TEST_F(DaemonOutput, UnacknowledgedOutputIsBoundedByTheWindow) {
  connect();
  gateway_->acknowledges_outputs = false;
  gateway_->execute("r1", "seq 500000; sleep 100");  // 105 chunks
  run_for(2s);
  EXPECT_EQ(gateway_->outputs("r1").size(), Session::kWindow);
  gateway_->acknowledge_output("r1", 10);
  run_for(2s);
  EXPECT_EQ(gateway_->outputs("r1").size(), Session::kWindow + 10);
}

TEST_F(DaemonOutput, StalledOutputDoesNotDelayTheResult) {
  connect();
  gateway_->acknowledges_outputs = false;
  gateway_->execute("r1", "seq 1000000");
  run_for(2s);
  EXPECT_EQ(gateway_->results("r1").size(), 0u);
  run_for(20s);
  EXPECT_EQ(gateway_->results("r1").size(), 1u);
}

TEST_F(DaemonOutput, SlowReaderReceivesAllOutput) {
  connect();
  gateway_->read_delay = 20ms;
  gateway_->acknowledges_results = true;
  gateway_->execute("r1", "seq 2000000");  // 14.9 MB through a spool of 4 MB
  run_for(60s);
  const std::string all = text(gateway_->outputs("r1"));
  EXPECT_EQ(all.size(), 14'888'896u);
  EXPECT_EQ(all.find("…"), std::string::npos);
  EXPECT_EQ(gateway_->results("r1").size(), 1u);
}

// A gateway that reads slowly keeps the stream's window full of output; what matters more does not queue
// behind it.
TEST_F(DaemonOutput, ControlFramesOvertakeOutput) {
  connect();
  gateway_->read_delay = 2s;
  gateway_->execute("r1", "seq 1000000; sleep 1000");
  run_for(20s);
  gateway_->execute("r2", "true");
  gateway_->cancel("r3");
  run_for(20s);
  EXPECT_EQ(gateway_->results("r2").size(), 1u);
  EXPECT_EQ(gateway_->cancels("r3").size(), 1u);
  EXPECT_GE(gateway_->beats().size(), 1u);
  EXPECT_LT(gateway_->outputs("r1").size(), 30u);
}

TEST_F(DaemonOutput, OutputOfOneRequestDoesNotStarveAnother) {
  connect();
  gateway_->read_delay = 100ms;
  gateway_->execute("r1", "seq 1000000; sleep 1000");
  run_for(1s);
  gateway_->execute("r2", "seq 1000000; sleep 1000");
  run_for(4s);
  const auto first = gateway_->outputs("r1").size();
  const auto second = gateway_->outputs("r2").size();
  EXPECT_GT(second, 10u);
  EXPECT_LT(first, second + 20u);
}

}  // namespace
}  // namespace reliant::daemon

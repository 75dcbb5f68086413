#include "oracle/output_oracle.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

using Stream = ports::ProcessOutput::Stream;

class Output : public testing::Test {
 protected:
  Output() {
    judged.state.machines.emplace(DaemonKey{"u", "d"}, &machine);
    FinalChat& chat = judged.state.chats["c"];
    chat.id = "c";
    judged.state.executions["r"] = {.request = "r",
                                    .user = "u",
                                    .daemon = "d",
                                    .chat = "c",
                                    .call = "k",
                                    .tool = "bash",
                                    .state = "done",
                                    .outcome = "executed",
                                    .content = "one\ntwo\nthree\n"};
    for (const char* line : {"one\n", "two\n", "three\n"}) machine.write("r", Stream::kStdout, line);
  }
  void show(int chunk, std::string_view text, bool gap = false) {
    auto& updates = judged.state.chats["c"].updates;
    updates.push_back(
        {updates.size() + 1, "tool_output",
         concat(R"({"id":"k","chunk":)", chunk, R"(,"gap":)", gap ? "true" : "false", R"(,"text":")", text, "\"}")});
    judged.state.executions["r"].output_chunks =
        std::max<std::uint64_t>(judged.state.executions["r"].output_chunks, static_cast<std::uint64_t>(chunk));
  }
  EffectRecord machine;
  Judged<OutputOracle> judged;
};

TEST_F(Output, CompleteOutputPasses) {
  show(1, "one\\n");
  show(2, "two\\nthree\\n");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Output, ReportsAMissingByte) {
  show(1, "one\\n");
  show(2, "wo\\nthree\\n");
  EXPECT_EQ(judged.complaints(), "output.exact");
}

TEST_F(Output, ReportsARepeatedPart) {
  show(1, "one\\n");
  show(2, "one\\ntwo\\nthree\\n");
  EXPECT_EQ(judged.complaints(), "output.exact");
}

TEST_F(Output, ReportsAnUnmarkedMissingEnd) {
  show(1, "one\\n");
  show(2, "two\\n");
  EXPECT_EQ(judged.complaints(), "output.exact");
}

TEST_F(Output, MissingEndPassesIfTheChunkCountShowsIt) {
  show(1, "one\\n");
  show(2, "two\\n");
  judged.state.executions["r"].output_chunks = 3;
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Output, MarkedGapPasses) {
  show(1, "one\\n");
  show(3, "three\\n", true);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Output, ReportsAnUnmarkedGap) {
  show(1, "one\\n");
  show(3, "three\\n");
  EXPECT_EQ(judged.complaints(), "output.order output.exact");
}

TEST_F(Output, ReportsARepeatedChunkNumber) {
  show(1, "one\\n");
  show(2, "two\\n");
  show(2, "three\\n");
  EXPECT_EQ(judged.complaints(), "output.order");
}

TEST_F(Output, ReportsChunksAfterTheLast) {
  show(1, "one\\n");
  show(2, "two\\nthree\\n");
  judged.state.executions["r"].output_chunks = 1;
  EXPECT_EQ(judged.complaints(), "output.complete");
}

TEST_F(Output, PrefixOfAKilledToolPasses) {
  show(1, "one\\n");
  judged.state.executions["r"].is_error = true;
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Output, ReportsAResultThatDiffersFromTheOutput) {
  show(1, "one\\ntwo\\nthree\\n");
  judged.state.executions["r"].content = "one\ntwo\n";
  EXPECT_EQ(judged.complaints(), "output.content");
}

class AnswerText : public testing::Test {
 protected:
  AnswerText() { judged.state.chats["c"].id = "c"; }
  void part(int offset, std::string_view text) {
    auto& updates = judged.state.chats["c"].updates;
    updates.push_back(
        {updates.size() + 1, "message_chunk", concat(R"({"message_id":"m","offset":)", offset, R"(,"text":")", text, "\"}")});
  }
  Judged<OutputOracle> judged;
};

TEST_F(AnswerText, ConsecutivePartsPass) {
  part(0, "one");
  part(3, "two");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(AnswerText, RetriedAnswerMayStartOver) {
  part(0, "one");
  part(0, "one");
  part(3, "two");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(AnswerText, ReportsAMissingPart) {
  part(0, "one");
  part(6, "three");
  EXPECT_EQ(judged.complaints(), "output.text");
}

TEST_F(AnswerText, ReportsARepeatedPart) {
  part(0, "one");
  part(3, "two");
  part(3, "two");
  EXPECT_EQ(judged.complaints(), "output.text");
}

}  // namespace
}  // namespace reliant::sim

#include <chrono>

#include "tools/bash_tool.h"
#include "unit/tools/tool_world.h"

namespace reliant::tools {
namespace {

using namespace std::chrono_literals;
using model::Outcome;

class Bash : public ToolWorld {};

TEST_F(Bash, ReturnsOutputAndExitCode) {
  const auto result = call("bash", R"({"command":"echo one; echo two >&2; exit 3"})");
  EXPECT_EQ(result.outcome, Outcome::kExecuted);
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_TRUE(result.content.ends_with("\n[exit code 3]")) << result.content;
  EXPECT_NE(result.content.find("one\n"), std::string::npos);
  EXPECT_NE(result.content.find("two\n"), std::string::npos);
  EXPECT_EQ(output_.size(), 8u);
}

TEST_F(Bash, ReportsEmptyOutput) {
  const auto result = call("bash", R"({"command":"true"})");
  EXPECT_FALSE(result.is_error);
  EXPECT_EQ(result.content, "[no output]");
}

TEST_F(Bash, RunsInTheProjectAndKnowsItsRequest) {
  put("/project/sub/file", "x");
  EXPECT_EQ(call("bash", R"({"command":"pwd; echo $RELIANT_REQUEST_ID"})").content, "/project\nreq_1\n");
  EXPECT_EQ(call("bash", R"({"command":"pwd","working_directory":"sub"})").content, "/project/sub\n");
}

TEST_F(Bash, StreamsOutputAsItComes) {
  auto running = start("bash", R"({"command":"echo one; sleep 5; echo two"})");
  executor_.run_until(Instant(1s));
  EXPECT_EQ(running->output.text, "one\n");
  executor_.run_until(Instant(6s));
  EXPECT_EQ(running->output.text, "one\ntwo\n");
  EXPECT_TRUE(running->result.has_value());
}

TEST_F(Bash, ShortensLongOutputButStreamsAllOfIt) {
  const auto result = call("bash", R"({"command":"seq 20000"})");
  EXPECT_EQ(output_.size(), 108'894u);
  EXPECT_LT(result.content.size(), BashTool::kContentLimit + 100);
  EXPECT_TRUE(result.content.starts_with("1\n2\n"));
  EXPECT_TRUE(result.content.ends_with("19999\n20000\n"));
  EXPECT_NE(result.content.find("left out"), std::string::npos);
}

TEST_F(Bash, TimesOut) {
  const auto result = call("bash", R"({"command":"echo begun; sleep 100; touch /late","timeout_ms":1500})");
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.content, "begun\n[timed out after 1500 ms and was ended with SIGTERM]");
  EXPECT_LT(executor_.now(), Instant(2s));
  EXPECT_EQ(machine_.running, 0u);
  EXPECT_EQ(machine_.disk.content("/late"), nullptr);
}

TEST_F(Bash, KillsAProcessThatIgnoresSigterm) {
  const auto result = call("bash", R"({"command":"stubborn; sleep 100","timeout_ms":1000})");
  EXPECT_EQ(result.content, "[timed out after 1000 ms and was ended with SIGTERM, then SIGKILL]");
  EXPECT_EQ(machine_.running, 0u);
}

TEST_F(Bash, KeepsToTheDeadlineOfTheRequest) {
  const auto result = call("bash", R"({"command":"sleep 100","timeout_ms":90000})", Instant(2s));
  EXPECT_EQ(result.content, "[timed out after 2000 ms and was ended with SIGTERM]");
}

TEST_F(Bash, EndsTheProcessWhenItIsCancelled) {
  for (int steps = 1; steps < 30; ++steps) {
    auto running = start("bash", R"({"command":"echo a; echo b; sleep 1; echo c"})");
    executor_.run(static_cast<std::uint64_t>(steps));
    running.reset();
    EXPECT_EQ(machine_.running, 0u) << "after " << steps << " steps";
  }
}

TEST_F(Bash, ReportsInvalidArguments) {
  const auto missing = call("bash", R"({"cmd":"ls"})");
  EXPECT_TRUE(missing.is_error);
  EXPECT_EQ(missing.outcome, Outcome::kNotExecuted);
  EXPECT_NE(missing.content.find("\"command\" is missing"), std::string::npos) << missing.content;
  EXPECT_TRUE(call("bash", R"({"command":" "})").is_error);
  EXPECT_TRUE(call("bash", R"({"command":"ls","timeout_ms":0})").is_error);
  EXPECT_TRUE(call("bash", R"([])").is_error);
  const auto nowhere = call("bash", R"({"command":"ls","working_directory":"gone"})");
  EXPECT_EQ(nowhere.outcome, Outcome::kNotExecuted);
  EXPECT_NE(nowhere.content.find("/project/gone does not exist"), std::string::npos) << nowhere.content;
}

}  // namespace
}  // namespace reliant::tools

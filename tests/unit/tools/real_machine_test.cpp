// `bash` with real processes: properties that a simulated shell does not have.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "base/json.h"
#include "support/machine_worlds.h"
#include "tools/standard_tools.h"

namespace reliant::tools {
namespace {

using namespace std::chrono_literals;

class Discarded final : public ToolOutput {
 public:
  Task<void> write(std::string data) override {
    bytes += data.size();
    co_return;
  }
  std::size_t bytes = 0;
};

class BashOnThisMachine : public ::testing::Test {
 protected:
  model::ToolResult run(std::string_view arguments) {
    ToolInvocation invocation{RequestId("req_1"), *parse_json(arguments), world_.directory(), kNever, nullptr};
    std::optional<model::ToolResult> result;
    TaskScope scope(world_.scope().context());
    scope.spawn(keep(*registry_.find("bash"), std::move(invocation), output_, result));
    EXPECT_TRUE(world_.run([&] { return result.has_value(); }));
    return result.value_or(model::ToolResult{});
  }

  reliant::tests::PosixMachine world_;
  ToolRegistry registry_ = make_standard_tools(world_.processes(), world_.filesystem());
  Discarded output_;

 private:
  static Task<void> keep(Tool& tool, ToolInvocation invocation, ToolOutput& output, std::optional<model::ToolResult>& result) {
    result = co_await tool.run(std::move(invocation), output);
  }
};

TEST_F(BashOnThisMachine, EndsACommandThatNeverStopsWriting) {
  const auto result = run(R"({"command":"yes","timeout_ms":300})");
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_LT(result.content.size(), 31'000u);
  EXPECT_TRUE(result.content.ends_with("[timed out after 300 ms and was ended with SIGTERM]"));
  EXPECT_GT(output_.bytes, 0u);
}

TEST_F(BashOnThisMachine, EndsTheWholeGroup) {
  const auto result = run(R"({"command":"trap '' TERM; sleep 60 & sleep 60","timeout_ms":200})");
  EXPECT_TRUE(result.content.ends_with("[timed out after 200 ms and was ended with SIGTERM, then SIGKILL]")) << result.content;
}

TEST_F(BashOnThisMachine, HasNoTerminalAndNoInput) {
  EXPECT_EQ(run(R"({"command":"cat; tty; read x || echo none"})").content, "not a tty\nnone\n");
}

TEST_F(BashOnThisMachine, ReportsOutputThatIsNotUtf8) {
  EXPECT_EQ(run(R"({"command":"printf 'a\\377b'"})").content, "a\uFFFDb");
}

}  // namespace
}  // namespace reliant::tools

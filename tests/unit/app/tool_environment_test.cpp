#include "app/tool_environment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/daemon_options.h"
#include "app/options.h"

namespace reliant::app {
namespace {

using Variables = std::vector<std::string>;

const Environment kEnvironment({{"PATH", "/bin"},
                                {"EMPTY", ""},
                                {"LC_ALL", "C"},
                                {"LC", "x"},
                                {"GOPATH", "/go"},
                                {"HTTPS_PROXY", "http://proxy"},
                                {"AWS_SECRET_ACCESS_KEY", "s"},
                                {"AWS_REGION", "eu"},
                                {"MY_TOKEN", "m"},
                                {"OPENAI_API_KEY", "k"},
                                {"RELIANT_TOKEN", "t"},
                                {"RELIANT_SERVER_URL", "u"},
                                {"DATABASE_URL", "postgres://a:b@c"},
                                {"NATS_URL", "nats://a:b@c"},
                                {"TEMPORAL_API_KEY", "a"},
                                {"PGPASSWORD", "p"}});

TEST(ToolEnvironment, IsAnAllowList) {
  EXPECT_EQ(environment_of_tools(kEnvironment, {}),
            (Variables{"GOPATH=/go", "HTTPS_PROXY=http://proxy", "LC_ALL=C", "PATH=/bin"}));
}

TEST(ToolEnvironment, TakesMoreByNameAndByPrefix) {
  EXPECT_EQ(environment_of_tools(kEnvironment, {"AWS_*", "MY_TOKEN"}),
            (Variables{"AWS_REGION=eu", "AWS_SECRET_ACCESS_KEY=s", "GOPATH=/go", "HTTPS_PROXY=http://proxy", "LC_ALL=C",
                       "MY_TOKEN=m", "PATH=/bin"}));
}

TEST(ToolEnvironment, TakesSecretsOfThisProgramByExactNameOnly) {
  for (const std::string all : {"*", "RELIANT_*", "DATABASE_*"}) {
    for (const std::string& variable : environment_of_tools(kEnvironment, {all})) {
      EXPECT_FALSE(variable.starts_with("RELIANT_TOKEN=")) << all;
      EXPECT_FALSE(variable.starts_with("DATABASE_URL=")) << all;
      EXPECT_FALSE(variable.starts_with("OPENAI_API_KEY=")) << all;
    }
  }
  const Variables named = environment_of_tools(kEnvironment, {"DATABASE_URL"});
  EXPECT_NE(std::ranges::find(named, "DATABASE_URL=postgres://a:b@c"), named.end());
}

Result<std::vector<std::string>> given(const Command& command, const std::vector<std::string>& words,
                                       const Environment& environment = {}) {
  TRY_ASSIGN(const Arguments arguments, Arguments::parse(command, words, environment));
  return tool_env_of(arguments);
}

TEST(ToolEnvironment, IsAskedForWithTheSameFlagOfBothCommands) {
  for (const Command* const command : {&kMonolithCommand, &kDaemonStartCommand}) {
    EXPECT_EQ(*given(*command, {"--tool-env", "A,B_*", "--tool-env=C"}), (Variables{"A", "B_*", "C"}));
    EXPECT_EQ(*given(*command, {}, Environment({{"TOOL_ENV", "A, B_*"}})), (Variables{"A", "B_*"}));
    for (const std::string wrong : {"A=b", "*A", "A*B", "A B"}) {
      const Status refused = given(*command, {"--tool-env", wrong}).status();
      EXPECT_EQ(field_of(refused), "--tool-env") << wrong;
      EXPECT_NE(message_of(refused).find(wrong), std::string_view::npos);
    }
    EXPECT_NE(usage(*command).find("--tool-env NAME"), std::string::npos);
  }
}

}  // namespace
}  // namespace reliant::app

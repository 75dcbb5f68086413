#include <gtest/gtest.h>

#include "app/command_line.h"

namespace reliant::app {
namespace {

constexpr Flag kFlags[] = {
    {"--port", "PORT", "API_PORT", "8080", "where"},
    {"--json", "", "", "", "for scripts"},
    {"--name", "NAME", "", "", "which", {}, true},
};
constexpr Command kCommand = {"thing do", "NAME", 1, 1, "Does it.", kFlags};

Result<Arguments> parse(std::vector<std::string> words, Environment environment = {}) {
  return Arguments::parse(kCommand, words, environment);
}

TEST(CommandLine, ReadsFlagsInBothFormsAndArgumentsBetween) {
  const auto spaced = parse({"--port", "1", "me", "--json"});
  ASSERT_TRUE(spaced.ok());
  EXPECT_EQ(*spaced->number("--port", 0, 9), 1);
  EXPECT_TRUE(spaced->is_set("--json"));
  EXPECT_EQ(spaced->positional(), std::vector<std::string>{"me"});
  EXPECT_EQ(*parse({"--port=7", "me"})->number("--port", 0, 9), 7);
}

TEST(CommandLine, PrefersTheFlagToTheVariableToTheFallback) {
  const Environment environment({{"API_PORT", "2"}});
  EXPECT_EQ(parse({"me"})->text("--port"), "8080");
  EXPECT_EQ(parse({"me"}, environment)->text("--port"), "2");
  EXPECT_EQ(parse({"me", "--port", "3"}, environment)->text("--port"), "3");
  EXPECT_EQ(parse({"me"}, environment)->origin("--port"), "API_PORT");
}

TEST(CommandLine, TakesSeveralValuesWhereAFlagRepeats) {
  EXPECT_EQ(parse({"me", "--name", "a", "--name=b"})->list("--name"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse({"me"})->list("--name"), std::vector<std::string>());
}

TEST(CommandLine, NamesWhatIsWrong) {
  const auto field = [](std::vector<std::string> words) {
    return field_of(parse(std::move(words)).status());
  };
  EXPECT_EQ(field({"me", "--prt", "1"}), "--prt");
  EXPECT_EQ(field({"me", "--port"}), "--port");
  EXPECT_EQ(field({"me", "--json=1"}), "--json");
  EXPECT_EQ(field({"me", "--port", "1", "--port", "2"}), "--port");
  EXPECT_EQ(field({}), "NAME");
  EXPECT_EQ(field({"me", "you"}), "you");
  EXPECT_NE(message_of(parse({"me", "--prt", "1"}).status()).find("did you mean --port?"),
            std::string_view::npos);
}

TEST(CommandLine, TakesNumbersInTheirRangeOnly) {
  for (const char* text : {"", "x", "1x", "10", "-1", "99999999999999999999"}) {
    EXPECT_EQ(field_of(parse({"me", std::string("--port=") + text})->number("--port", 0, 9).status()),
              "--port")
        << text;
  }
}

TEST(CommandLine, EndsFlagsAtTwoDashes) {
  EXPECT_EQ(parse({"--", "--port"})->positional(), std::vector<std::string>{"--port"});
  EXPECT_EQ(parse({"-"})->positional(), std::vector<std::string>{"-"});
}

TEST(CommandLine, ShowsFlagsWithTheirVariables) {
  const std::string text = usage(kCommand);
  EXPECT_NE(text.find("reliant thing do NAME [flags]"), std::string::npos);
  EXPECT_NE(text.find("where (default 8080) [API_PORT]"), std::string::npos);
}

TEST(Environment, IsNotSetWhenItIsEmpty) {
  const Environment environment({{"PATH", "/bin"}, {"EMPTY", ""}});
  EXPECT_EQ(environment.get("PATH"), "/bin");
  EXPECT_EQ(environment.get("EMPTY"), std::nullopt);
}

}  // namespace
}  // namespace reliant::app

#include "base/command_line.h"

#include <gtest/gtest.h>

namespace reliant {
namespace {

constexpr Flag kFlags[] = {
    {"--port", "PORT", "API_PORT", "8080", "where"},
    {"--json", "", "", "", "for scripts"},
    {"--name", "NAME", "", "", "which", {}, true},
};
constexpr Command kCommand = {"thing do", "NAME", 1, 1, "Does it.", kFlags};

std::optional<std::string> nothing(std::string_view) { return std::nullopt; }
std::optional<std::string> api_port_2(std::string_view name) { return name == "API_PORT" ? std::optional("2") : std::nullopt; }

Result<Arguments> parse(std::vector<std::string> words, ReadVariable environment = nothing) {
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
  EXPECT_EQ(parse({"me"})->text("--port"), "8080");
  EXPECT_EQ(parse({"me"}, api_port_2)->text("--port"), "2");
  EXPECT_EQ(parse({"me", "--port", "3"}, api_port_2)->text("--port"), "3");
  EXPECT_EQ(parse({"me"}, api_port_2)->origin("--port"), "API_PORT");
}

TEST(CommandLine, TakesSeveralValuesWhereAFlagRepeats) {
  EXPECT_EQ(parse({"me", "--name", "a", "--name=b"})->list("--name"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse({"me"})->list("--name"), std::vector<std::string>());
}

TEST(CommandLine, NamesWhatIsWrong) {
  const auto field = [](std::vector<std::string> words) { return field_of(parse(std::move(words)).status()); };
  EXPECT_EQ(field({"me", "--prt", "1"}), "--prt");
  EXPECT_EQ(field({"me", "--port"}), "--port");
  EXPECT_EQ(field({"me", "--json=1"}), "--json");
  EXPECT_EQ(field({"me", "--port", "1", "--port", "2"}), "--port");
  EXPECT_EQ(field({}), "NAME");
  EXPECT_EQ(field({"me", "you"}), "you");
  EXPECT_NE(message_of(parse({"me", "--prt", "1"}).status()).find("did you mean --port?"), std::string_view::npos);
}

TEST(CommandLine, TakesNumbersInTheirRangeOnly) {
  for (const char* text : {"", "x", "1x", "10", "-1", "99999999999999999999"}) {
    EXPECT_EQ(field_of(parse({"me", std::string("--port=") + text})->number("--port", 0, 9).status()), "--port") << text;
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

constexpr Command kSend = {"chat send", "TEXT", 1, 1, "Sends.", kFlags};
constexpr Command kList = {"chat list", "", 0, 0, "Lists."};
constexpr Command kToken = {"admin token move", "USER TOKEN", 2, 2, "Moves."};
constexpr Command kServe = {"serve", "[WHAT...]", 0, kAnyNumber, "Serves."};
const Program kProgram = {
    "prog", "1.2", "does things", {{"Chats", &kSend}, {"Chats", &kList}, {"Admin", &kToken}, {"Servers", &kServe}}};

Result<Invocation> read(std::vector<std::string> words) { return read_command_line(kProgram, words, nothing); }
std::string said(std::vector<std::string> words) { return std::string(message_of(read(std::move(words)).status())); }

TEST(Program, FindsTheCommandAndItsArguments) {
  const auto sent = read({"chat", "send", "hello", "--port", "1"});
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->command, &kSend);
  EXPECT_EQ(sent->arguments.positional(), std::vector<std::string>{"hello"});
  EXPECT_EQ(read({"serve", "a", "b", "c"})->arguments.positional().size(), 3);
}

TEST(Program, ShowsTheVersionAtEveryLevel) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--version"},
                                                {"version"},
                                                {"chat", "--version"},
                                                {"admin", "token", "--version"},
                                                {"chat", "send", "--version"},
                                                {"chat", "send", "hello", "--port", "1", "--version"}}) {
    const auto shown = read(words);
    ASSERT_TRUE(shown.ok()) << shown.status();
    EXPECT_EQ(shown->command, nullptr);
    EXPECT_EQ(shown->text, "prog 1.2\n");
    EXPECT_FALSE(shown->incomplete);
  }
}

TEST(Program, ShowsHelpAtEveryLevel) {
  const auto shows = [](std::vector<std::string> words, std::initializer_list<const char*> parts) {
    const auto shown = read(std::move(words));
    ASSERT_TRUE(shown.ok()) << shown.status();
    EXPECT_EQ(shown->command, nullptr);
    EXPECT_FALSE(shown->incomplete);
    for (const char* const part : parts) EXPECT_NE(shown->text.find(part), std::string::npos) << part << " in\n" << shown->text;
  };
  for (const char* const help : {"--help", "-h", "help"})
    shows({help}, {"does things", "\nChats\n  prog chat send TEXT", "prog serve"});
  shows({"chat", "--help"}, {"prog chat COMMAND", "prog chat send TEXT", "prog chat list"});
  shows({"help", "chat"}, {"prog chat COMMAND"});
  shows({"admin", "token", "-h"}, {"prog admin token move USER TOKEN"});
  shows({"chat", "send", "--help"}, {"prog chat send TEXT [flags]", "--port PORT"});
  shows({"help", "chat", "send"}, {"prog chat send TEXT [flags]"});
  EXPECT_EQ(read({"chat", "--help"})->text.find("serve"), std::string::npos);
}

TEST(Program, SaysWhatMayFollowWhenTheNameOfACommandIsNotWhole) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{}, {"chat"}, {"admin", "token"}}) {
    const auto shown = read(words);
    ASSERT_TRUE(shown.ok()) << shown.status();
    EXPECT_TRUE(shown->incomplete);
    EXPECT_NE(shown->text.find("prog"), std::string::npos);
  }
}

TEST(Program, SuggestsTheNameThatWasMeantAtEveryLevel) {
  EXPECT_NE(said({"chta"}).find("unknown command \"chta\"; did you mean \"chat\"? (`prog help`"), std::string::npos)
      << said({"chta"});
  EXPECT_NE(said({"chat", "lst"}).find("\"chat lst\"; did you mean \"chat list\"? (`prog help chat`"), std::string::npos);
  EXPECT_NE(said({"admin", "tokn", "move"}).find("did you mean \"admin token\"?"), std::string::npos);
  EXPECT_NE(said({"versoin"}).find("did you mean \"version\"?"), std::string::npos);
  EXPECT_NE(said({"--verson"}).find("unknown flag --verson; did you mean --version? (`prog --help`"), std::string::npos);
  EXPECT_NE(said({"chat", "--hlp"}).find("did you mean --help? (`prog chat --help`"), std::string::npos);
  EXPECT_NE(said({"chat", "send", "--prt", "1"}).find("did you mean --port? (`prog chat send --help`"), std::string::npos);
  EXPECT_EQ(said({"elephant"}).find("did you mean"), std::string::npos);
}

TEST(Program, NamesTheFirstArgumentThatIsMissing) {
  EXPECT_EQ(said({"admin", "token", "move"}), "USER is missing: prog admin token move USER TOKEN");
  EXPECT_EQ(said({"admin", "token", "move", "me"}), "TOKEN is missing: prog admin token move USER TOKEN");
}

}  // namespace
}  // namespace reliant

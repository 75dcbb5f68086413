#include <gtest/gtest.h>

#include "app/options.h"

namespace reliant::app {
namespace {

Result<MonolithOptions> options(std::vector<std::string> words, std::map<std::string, std::string, std::less<>> variables) {
  const Environment environment(std::move(variables));
  const auto arguments = Arguments::parse(kMonolithCommand, words, environment);
  EXPECT_TRUE(arguments.ok()) << arguments.status();
  return monolith_options(*arguments, environment);
}

TEST(Environment, IsNotSetWhenItIsEmpty) {
  const Environment environment({{"PATH", "/bin"}, {"EMPTY", ""}});
  EXPECT_EQ(environment.get("PATH"), "/bin");
  EXPECT_EQ(environment.get("EMPTY"), std::nullopt);
}

TEST(MonolithOptions, HaveTheDefaultsOfTheManual) {
  const auto made = options({"--model-script", "s"}, {{"HOME", "/home/u"}});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->listen_address, "127.0.0.1:8080");
  EXPECT_EQ(made->tls_listen_address, "127.0.0.1:8443");
  EXPECT_EQ(made->data_dir, "/home/u/.local/share/reliant");
  EXPECT_EQ(made->daemon, DaemonStart::kOnFirstRequest);
}

TEST(MonolithOptions, TakeTheEnvironment) {
  const auto made = options({}, {{"API_PORT", "0"}, {"BIND_ADDRESS", "::1"}, {"DATA_DIR", "/d/./x"}, {"OPENAI_API_KEY", "k"}});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->listen_address, "[::1]:0");
  EXPECT_EQ(made->data_dir, "/d/x");
  EXPECT_EQ(made->model.api_key, "k");
}

TEST(MonolithOptions, TakeTheTlsPort) {
  const auto at = [](std::string port) {
    return options({"--model-script", "s", "--tls-port", std::move(port)}, {{"HOME", "/h"}});
  };
  EXPECT_EQ(at("0")->tls_listen_address, "127.0.0.1:0");
  EXPECT_EQ(at("off")->tls_listen_address, "");
  const Status status = at("on").status();
  EXPECT_EQ(field_of(status), "--tls-port");
  EXPECT_NE(message_of(status).find("from 0 to 65535, or off"), std::string_view::npos) << status;
}

TEST(MonolithOptions, NeedAModel) {
  const Status status = options({}, {{"HOME", "/h"}}).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(status).find("OPENAI_API_KEY"), std::string_view::npos);
  EXPECT_TRUE(options({"--model-url", "http://localhost:1234/v1"}, {{"HOME", "/h"}}).ok()) << "a local server needs no key";
}

TEST(MonolithOptions, NameTheVariableThatIsWrong) {
  EXPECT_EQ(field_of(options({}, {{"API_PORT", "x"}, {"HOME", "/h"}}).status()), "API_PORT");
  EXPECT_EQ(field_of(options({}, {{"OPENAI_BASE_URL", "ftp://x"}, {"HOME", "/h"}}).status()), "OPENAI_BASE_URL");
  EXPECT_EQ(field_of(options({"--model-script", "s"}, {}).status()), "--data-dir");
}

}  // namespace
}  // namespace reliant::app

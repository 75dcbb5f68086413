#include "app/daemon_options.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_directory.h"

namespace reliant::app {
namespace {

using adapters::GrpcLinkSecurity;
using Variables = std::map<std::string, std::string, std::less<>>;

Result<DaemonStartOptions> start(std::vector<std::string> words, Variables variables = {}) {
  variables.emplace("HOME", "/home/u");
  const Environment environment(std::move(variables));
  const auto arguments = Arguments::parse(kDaemonStartCommand, words, environment);
  EXPECT_TRUE(arguments.ok()) << arguments.status();
  return daemon_start_options(*arguments, environment, WallTime{});
}

// R66, R70, R71.
TEST(DaemonOptions, HaveTheDefaultsOfTheRequirements) {
  const auto made = start({});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->server_url, "https://reliantapi.com");
  EXPECT_EQ(made->gateways, std::vector<std::string>{"gateway.reliantapi.com:443"});
  EXPECT_EQ(made->links.security, GrpcLinkSecurity::kTls);
  EXPECT_EQ(made->credentials_path, "/home/u/.config/reliant/auth/reliant-daemon.json");
  EXPECT_EQ(made->data_dir, "/home/u/.reliant");
  EXPECT_FALSE(made->name.empty()) << "the name of the host";
}

// C21.
TEST(DaemonOptions, RefuseANameThatAsksForDaemonsOfAType) {
  EXPECT_EQ(message_of(start({"--name", "cloud"}).status()),
            "--name is \"cloud\", which asks for daemons of a type; give another one: --name NAME");
  EXPECT_EQ(field_of(start({"--name", "self_hosted"}).status()), "--name");
  EXPECT_EQ(start({"--name", "Cloud"})->name, "Cloud");
}

// R73.
TEST(DaemonOptions, TakeTlsFromTheUrlUnlessToldOtherwise) {
  EXPECT_EQ(start({"--gateway", "http://g:9190"})->links.security, GrpcLinkSecurity::kPlaintext);
  EXPECT_EQ(start({"--gateway", "https://g:9190"})->links.security, GrpcLinkSecurity::kTls);
  EXPECT_EQ(start({"--gateway", "https://g:9190", "--tls-mode", "insecure_tls_skip_verify"})->links.security,
            GrpcLinkSecurity::kTlsSkipVerify);
  EXPECT_EQ(start({"--gateway", "https://g:9190", "--tls-mode", "h2c"})->links.security, GrpcLinkSecurity::kPlaintext);
  EXPECT_EQ(field_of(start({"--tls-mode", "ssl"}).status()), "--tls-mode");
}

TEST(DaemonOptions, LogToAFileInTheBackground) {
  EXPECT_FALSE(start({})->background);
  EXPECT_TRUE(start({"--background"})->background);
  EXPECT_EQ(start({"--background", "--wait", "3"})->wait, std::chrono::seconds(3));
  EXPECT_EQ(field_of(start({"--background", "--wait", "0"}).status()), "--wait");
  EXPECT_EQ(field_of(start({"--background", "--log-file", "-"}).status()), "--log-file");
  EXPECT_EQ(field_of(start({"--background"}, {{"LOG_FILE", "-"}}).status()), "--log-file");
}

// C43.
TEST(DaemonOptions, TakeSeveralGateways) {
  const auto made = start({}, {{"RELIANT_GATEWAY_URL", "https://a:1,https://b"}});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->gateways, (std::vector<std::string>{"a:1", "b:443"}));
  EXPECT_EQ(start({"--grpc-url", "http://x:1", "--gateway", "http://y:1"})->gateways, std::vector<std::string>{"x:1"});
  EXPECT_EQ(field_of(start({"--gateway", "https://a,http://b"}).status()), "--gateway") << "TLS or not?";
  EXPECT_EQ(field_of(start({"--gateway", "a:9190"}).status()), "--gateway");
}

TEST(DaemonOptions, DeriveTheGatewayFromAServerThatHasADomainOnly) {
  EXPECT_EQ(start({"--server", "https://my.example/"})->gateways, std::vector<std::string>{"gateway.my.example:443"});
  for (const char* server : {"http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"})
    EXPECT_EQ(field_of(start({"--server", server}).status()), "--gateway") << server;
}

TEST(DaemonOptions, TakeATokenFromAFile) {
  const tests::TemporaryDirectory directory;
  const std::string file = directory.file("token");
  std::ofstream(file) << "rlnt_pat_abc\r\n";
  const auto made = start({"--token-file", file});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->token, "rlnt_pat_abc");
  EXPECT_EQ(made->credentials_path, "") << "C14: the file is not looked at";
  std::ofstream(file) << "secret";
  const Status status = start({"--token-file", file}).status();
  EXPECT_EQ(field_of(status), "--token-file");
  EXPECT_EQ(message_of(status).find("secret"), std::string_view::npos);
}

TEST(DaemonIdentity, IsMadeOnceAndKept) {
  const tests::TemporaryDirectory place;
  const auto directory = DataDirectory::open(place.file("data"));
  ASSERT_TRUE(directory.ok()) << directory.status();
  const auto first = prepare_identity(*directory);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(valid_id(first->id.str()));
  EXPECT_EQ(prepare_identity(*directory)->id, first->id);
}

TEST(DaemonIdentity, KeepsTheLabelsOfAFileWithoutAnId) {
  const tests::TemporaryDirectory place;
  const auto directory = DataDirectory::open(place.file("data"));
  ASSERT_TRUE(directory.ok()) << directory.status();
  std::ofstream(directory->file("daemon.json")) << R"({"labels":{"gpu":"yes"}})";
  const auto made = prepare_identity(*directory);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->labels, (std::map<std::string, std::string>{{"gpu", "yes"}}));
  EXPECT_EQ(prepare_identity(*directory)->labels, made->labels);
}

TEST(DaemonIdentity, ReportsAnErrorInTheFile) {
  const tests::TemporaryDirectory place;
  const auto directory = DataDirectory::open(place.file("data"));
  ASSERT_TRUE(directory.ok()) << directory.status();
  for (const char* text : {"{", R"({"daemon_id":"a b"})", R"({"labels":["x"]})", R"({"labels":{"x":1}})", R"({"lables":{}})"}) {
    std::ofstream(directory->file("daemon.json")) << text;
    const Status status = prepare_identity(*directory).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << text;
    EXPECT_NE(message_of(status).find("daemon.json"), std::string_view::npos) << status;
  }
}

}  // namespace
}  // namespace reliant::app

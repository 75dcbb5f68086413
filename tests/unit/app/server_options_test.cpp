#include "app/server_options.h"

#include <gtest/gtest.h>

#include "server_commands.h"

namespace reliant::app {
namespace {

// R35.
TEST(ServerOptions, ApiHasTheDefaultsOfTheRequirements) {
  const auto made = api({"--disable-tls"});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->api.address, "0.0.0.0:8080");
  EXPECT_EQ(made->server.health.address, "0.0.0.0:8081");
  EXPECT_EQ(made->debug.address, "127.0.0.1:6060");
  EXPECT_TRUE(made->server.data_dir.ends_with("/data"));
  EXPECT_EQ(made->temporal.host, "localhost");
  EXPECT_EQ(made->temporal.port, 7233);
  EXPECT_EQ(made->temporal.name_space, "reliant");
  EXPECT_EQ(made->cors_origins, std::vector<std::string>{"*"});
  EXPECT_FALSE(made->tls.has_value());
}

// R43.
TEST(ServerOptions, WorkerHasTheDefaultsOfTheRequirements) {
  const auto made = worker({"--model-script", "s"});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->server.health.address, "0.0.0.0:8081");
  EXPECT_EQ(made->server.nats.urls, "nats://n:4222");
}

// R53.
TEST(ServerOptions, GatewayHasTheDefaultsOfTheRequirements) {
  const auto made = gateway({"--disable-tls"});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->daemons.address, "0.0.0.0:9190");
  EXPECT_EQ(made->server.health.address, "0.0.0.0:8080");
  EXPECT_EQ(made->advertised, host_name() + ":9190") << "no daemon could connect to 0.0.0.0";
  EXPECT_FALSE(made->single_daemon_per_user);
  EXPECT_TRUE(valid_id(made->id.str()));
}

// C43.
TEST(ServerOptions, GatewayAdvertisesAReachableAddress) {
  EXPECT_EQ(gateway({"--disable-tls", "--bind-address", "10.0.0.1"})->advertised, "10.0.0.1:9190");
  EXPECT_EQ(gateway({"--disable-tls"}, {{"ADVERTISE_ADDRESS", "g.example:443"}})->advertised, "g.example:443");
  EXPECT_EQ(field_of(gateway({"--disable-tls", "--advertise-address", "g.example"}).status()), "--advertise-address");
  EXPECT_EQ(field_of(gateway({"--disable-tls", "--daemon-port", "0"}).status()), "--daemon-port");
}

TEST(ServerOptions, TwoGatewaysOfAHostHaveDifferentIds) {
  EXPECT_NE(gateway({"--disable-tls"})->id, gateway({"--disable-tls", "--daemon-port", "9191"})->id);
  EXPECT_NE(gateway({"--disable-tls"})->id, gateway({"--disable-tls"})->id)
      << "two containers with one host name would withdraw each other";
}

TEST(ServerOptions, TakeTheEnvironmentAndTheCommandLineWins) {
  const auto made = api({"--api-port", "1"}, {{"API_PORT", "2"},
                                              {"HEALTH_PORT", "3"},
                                              {"PPROF_PORT", "4"},
                                              {"BIND_ADDRESS", "127.0.0.1"},
                                              {"TEMPORAL_HOST", "t"},
                                              {"TEMPORAL_PORT", "5"},
                                              {"TEMPORAL_NAMESPACE", "ns"},
                                              {"CORS_ALLOWED_ORIGINS", "https://a.example, https://b.example/"},
                                              {"DISABLE_TLS", "true"}});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->api.address, "127.0.0.1:1");
  EXPECT_EQ(made->server.health.address, "127.0.0.1:3");
  EXPECT_EQ(made->debug.address, "127.0.0.1:4");
  EXPECT_EQ(made->temporal.host, "t");
  EXPECT_EQ(made->temporal.port, 5);
  EXPECT_EQ(made->temporal.name_space, "ns");
  EXPECT_EQ(made->cors_origins, (std::vector<std::string>{"https://a.example", "https://b.example"}));
}

TEST(ServerOptions, StreamingIsAlwaysOverNats) {
  EXPECT_EQ(api({"--disable-tls"})->server.forced_streaming, "");
  EXPECT_EQ(api({"--disable-tls", "--streaming-driver", "memory"})->server.forced_streaming, "memory");
  EXPECT_EQ(field_of(api({"--disable-tls", "--streaming-driver", "kafka"}).status()), "--streaming-driver");
}

TEST(ServerOptions, NameMissingAndInvalidValues) {
  EXPECT_EQ(field_of(api({}).status()), "--tls-cert") << "to do without TLS has to be said";
  EXPECT_EQ(field_of(api({}, {{"DISABLE_TLS", "false"}}).status()), "--tls-cert");
  EXPECT_EQ(field_of(api({}, {{"DISABLE_TLS", "perhaps"}}).status()), "DISABLE_TLS");
  EXPECT_EQ(field_of(api({"--tls-cert", "x"}).status()), "--tls-key");
  EXPECT_EQ(field_of(api({"--tls-cert", "/nowhere", "--tls-key", "/nowhere"}).status()), "--tls-cert");
  EXPECT_EQ(field_of(api({"--disable-tls", "--tls-cert", "x"}).status()), "--disable-tls");
  EXPECT_EQ(field_of(api({"--disable-tls"}, {{"NATS_URL", ""}}).status()), "--nats-url");
  EXPECT_EQ(field_of(api({"--disable-tls"}, {{"NATS_URL", "http://x"}}).status()), "NATS_URL");
  EXPECT_EQ(field_of(api({"--disable-tls"}, {{"DATABASE_URL", ""}}).status()), "--db-url");
  EXPECT_EQ(field_of(api({"--disable-tls", "--temporal-host", "http://t"}).status()), "--temporal-host");
  EXPECT_EQ(field_of(api({"--disable-tls", "--temporal-port", "0"}).status()), "--temporal-port");
  EXPECT_EQ(field_of(api({"--disable-tls"}, {{"TEMPORAL_API_KEY", "k"}}).status()), "--temporal-tls");
  EXPECT_EQ(field_of(api({"--disable-tls", "--cors-origins", "a.example"}).status()), "--cors-origins");
  EXPECT_EQ(field_of(worker({}).status()), "--model-script");
}

}  // namespace
}  // namespace reliant::app

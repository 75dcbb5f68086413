// The flags of the servers, their variables and their defaults, against the tables of the requirements.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "app/daemon_options.h"
#include "app/mains.h"
#include "base/command_line.h"
#include "server_commands.h"

namespace reliant::app {
namespace {

struct Row {
  std::string_view flag;
  std::string_view variable;
  std::string_view fallback;
};

// What R43 and R53 take over from R35.
constexpr Row kDatabaseRows[] = {
    {"--db-driver", "DATABASE_DRIVER", "postgres"}, {"--db-url", "DATABASE_URL", ""}, {"--data-dir", "DATA_DIR", "./data"}};
constexpr Row kTemporalRows[] = {{"--temporal-host", "TEMPORAL_HOST", "localhost"},
                                 {"--temporal-port", "TEMPORAL_PORT", "7233"},
                                 {"--temporal-namespace", "TEMPORAL_NAMESPACE", "reliant"}};
constexpr Row kNatsRows[] = {{"--nats-url", "NATS_URL", ""},     {"--nats-ca", "NATS_CA", ""},
                             {"--nats-cert", "NATS_CERT", ""},   {"--nats-key", "NATS_KEY", ""},
                             {"--nats-creds", "NATS_CREDS", ""}, {"--nats-nkey", "NATS_NKEY", ""}};
constexpr Row kStreamingRows[] = {{"--streaming-driver", "STREAMING_DRIVER", "nats"}};
constexpr Row kTlsRows[] = {{"--tls-cert", "TLS_CERT_FILE", ""}, {"--tls-key", "TLS_KEY_FILE", ""}};
constexpr Row kBindRows[] = {{"--bind-address", "BIND_ADDRESS", "0.0.0.0"}};

constexpr Row kApiRows[] = {{"--api-port", "API_PORT", "8080"},
                            {"--health-port", "HEALTH_PORT", "8081"},
                            {"--pprof-port", "PPROF_PORT", "6060"},
                            {"--cors-origins", "CORS_ALLOWED_ORIGINS", "*"}};
constexpr Row kWorkerRows[] = {{"--health-port", "HEALTH_PORT", "8081"}};
constexpr Row kGatewayRows[] = {{"--daemon-port", "TOOLS_DAEMON_PORT", "9190"}, {"--health-port", "HEALTH_PORT", "8080"}};

Result<Arguments> parse(const Command& command, const std::vector<std::string>& words, Variables variables = {}) {
  return Arguments::parse(command, words, Environment(std::move(variables)));
}

void expect_row(const Command& command, const Row& row) {
  SCOPED_TRACE(std::string(command.name) + " " + std::string(row.flag));
  const auto unset = parse(command, {});
  ASSERT_TRUE(unset.ok()) << unset.status();
  EXPECT_EQ(unset->text(row.flag), row.fallback);
  EXPECT_FALSE(unset->is_set(row.flag));
  const Variables variables{{std::string(row.variable), "theirs"}};
  const auto by_variable = parse(command, {}, variables);
  ASSERT_TRUE(by_variable.ok()) << by_variable.status();
  EXPECT_EQ(by_variable->text(row.flag), "theirs");
  EXPECT_EQ(by_variable->origin(row.flag), row.variable);
  const auto by_flag = parse(command, {std::string(row.flag), "ours"}, variables);
  ASSERT_TRUE(by_flag.ok()) << by_flag.status();
  EXPECT_EQ(by_flag->text(row.flag), "ours");
  EXPECT_EQ(by_flag->origin(row.flag), row.flag);
}

void expect_rows(const Command& command, std::initializer_list<std::span<const Row>> tables) {
  for (const std::span<const Row> table : tables)
    for (const Row& row : table) expect_row(command, row);
}

void expect_switch(const Command& command) {
  EXPECT_FALSE(*parse(command, {})->on("--disable-tls"));
  EXPECT_TRUE(*parse(command, {"--disable-tls"})->on("--disable-tls"));
  EXPECT_TRUE(*parse(command, {}, {{"DISABLE_TLS", "true"}})->on("--disable-tls"));
  EXPECT_FALSE(*parse(command, {}, {{"DISABLE_TLS", "false"}})->on("--disable-tls"));
}

// R35. Missing: flags of a later feature (below).
TEST(ServerFlags, ApiFlagsMatchTheRequirements) {
  expect_rows(kApiCommand, {kApiRows, kBindRows, kDatabaseRows, kTemporalRows, kNatsRows, kStreamingRows, kTlsRows});
  expect_switch(kApiCommand);
}

// R43. More than there: on which interface the health port is, and TLS for it, as the other servers have them.
TEST(ServerFlags, WorkerFlagsMatchTheRequirements) {
  expect_rows(kWorkerCommand, {kWorkerRows, kBindRows, kDatabaseRows, kTemporalRows, kNatsRows, kStreamingRows, kTlsRows});
  expect_switch(kWorkerCommand);
}

// R53.
TEST(ServerFlags, GatewayFlagsMatchTheRequirements) {
  expect_rows(kGatewayCommand, {kGatewayRows, kBindRows, kDatabaseRows, kNatsRows, kTlsRows});
  expect_switch(kGatewayCommand);
}

// A variable that is parsed and then forgotten would pass above.
TEST(ServerFlags, ReachTheOptionsFromTheirVariables) {
  const auto made =
      gateway({"--disable-tls"}, {{"TOOLS_DAEMON_PORT", "1"}, {"HEALTH_PORT", "2"}, {"BIND_ADDRESS", "10.0.0.1"}});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->daemons.address, "10.0.0.1:1");
  EXPECT_EQ(made->daemons.from, "TOOLS_DAEMON_PORT");
  EXPECT_EQ(made->server.health.address, "10.0.0.1:2");
  for (const auto& status : {api({"--disable-tls"}, {{"STREAMING_DRIVER", "kafka"}}).status(),
                             worker({"--model-script", "s"}, {{"STREAMING_DRIVER", "kafka"}}).status()})
    EXPECT_EQ(field_of(status), "STREAMING_DRIVER");
  const auto on_sqlite = worker({"--model-script", "s"}, {{"DATABASE_DRIVER", "sqlite"}, {"DATA_DIR", "/d"}});
  ASSERT_TRUE(on_sqlite.ok()) << on_sqlite.status();
  EXPECT_EQ(on_sqlite->server.database.driver, DatabaseDriver::kSqlite);
  EXPECT_EQ(on_sqlite->server.database.data_dir, "/d");
}

TEST(ServerFlags, HaveNoFlagForAMissingFeature) {
  const auto refused = [](const Command& command, std::initializer_list<const char*> flags) {
    for (const char* flag : flags) {
      const Status status = parse(command, {flag, "1"}).status();
      EXPECT_EQ(field_of(status), flag) << command.name;
      EXPECT_NE(message_of(status).find("unknown flag"), std::string_view::npos) << status;
    }
  };
  refused(kApiCommand, {"--grpc-port", "--jwt-public-key", "--jwt-public-key-file"});
  refused(kGatewayCommand, {"--frontend-port", "--jwt-public-key", "--jwt-public-key-file", "--cors-origins"});
}

TEST(ServerFlags, AreShownByGroups) {
  const auto has = [](const Command& command, std::initializer_list<const char*> groups) {
    const std::string shown = usage(command);
    for (const char* group : groups) EXPECT_NE(shown.find(group), std::string::npos) << command.name << group;
    EXPECT_EQ(shown.find("\nFlags:\n"), std::string::npos) << command.name;
  };
  has(kApiCommand, {"\nListeners:\n", "\nTLS:\n", "\nDatabase and files:\n", "\nNATS:\n", "\nTemporal:\n", "\nProcess:\n"});
  has(kWorkerCommand, {"\nListeners:\n", "\nTLS:\n", "\nNATS:\n", "\nTemporal:\n", "\nModel:\n", "\nProcess:\n"});
  has(kGatewayCommand, {"\nListeners:\n", "\nTLS:\n", "\nDatabase and files:\n", "\nNATS:\n", "\nProcess:\n"});
  has(kDaemonStartCommand, {"\nGateway:\n", "\nTLS:\n", "\nCredentials:\n", "\nDaemon:\n", "\nProcess:\n"});
  has(kTemporalServeCommand, {"\nListener:\n", "\nTLS:\n", "\nEngine:\n", "\nProcess:\n"});
}

}  // namespace
}  // namespace reliant::app

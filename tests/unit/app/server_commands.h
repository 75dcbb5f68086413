// The options of the servers' commands, as tests read them: with a database and NATS, in an environment of their own.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/server_options.h"

namespace reliant::app {

using Variables = std::map<std::string, std::string, std::less<>>;

inline constexpr WallTime kNow{std::chrono::sys_days(std::chrono::year(2030) / 6 / 15)};

template <class Options>
Result<Options> read(const Command& command, const std::vector<std::string>& words, Variables variables,
                     Result<Options> (*read_options)(const Arguments&, const Environment&, WallTime)) {
  variables.emplace("DATABASE_URL", "postgres://u@h/d");
  variables.emplace("NATS_URL", "nats://n:4222");
  const Environment environment(std::move(variables));
  const auto arguments = Arguments::parse(command, words, environment);
  EXPECT_TRUE(arguments.ok()) << arguments.status();
  return read_options(*arguments, environment, kNow);
}

inline Result<ApiServerOptions> api(const std::vector<std::string>& words, Variables variables = {}) {
  return read(kApiCommand, words, std::move(variables), api_server_options);
}
inline Result<WorkerServerOptions> worker(const std::vector<std::string>& words, Variables variables = {}) {
  return read(kWorkerCommand, words, std::move(variables), worker_server_options);
}
inline Result<GatewayServerOptions> gateway(const std::vector<std::string>& words, Variables variables = {}) {
  return read(kGatewayCommand, words, std::move(variables), gateway_server_options);
}

}  // namespace reliant::app

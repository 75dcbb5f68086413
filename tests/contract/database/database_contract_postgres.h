// The real world of the database contract: an empty schema of its own in the test program's PostgreSQL.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/postgres/postgres_database.h"
#include "base/assert.h"
#include "runtime/scope.h"
#include "support/postgres_server.h"

namespace reliant::tests {

class PostgresWorld {
 public:
  static constexpr std::size_t kWriters = 3;

  explicit PostgresWorld(adapters::PostgresOptions options = {}) : PostgresWorld(shared_postgres(), std::move(options)) {}
  PostgresWorld(PostgresServer& server, adapters::PostgresOptions options) {
    if (options.url.empty()) options.url = server.new_schema();
    options.connections = kWriters;
    auto made = adapters::PostgresDatabase::open(executor_, std::move(options));
    RELIANT_ASSERT(made.ok(), "the URL of a test's own server is a good one");
    database_ = *std::move(made);
  }

  adapters::AsioExecutor& executor() { return executor_; }
  TaskScope& scope() { return scope_; }
  adapters::PostgresDatabase& database() { return *database_; }
  bool run_until(const std::function<bool()>& done) { return executor_.run_loop_until(done, std::chrono::seconds(40)); }
  void run_for(Duration duration) {
    executor_.run_loop_until([] { return false; }, duration);
  }
  void run_steps(std::uint64_t steps) { run_for(static_cast<std::int64_t>(steps) * std::chrono::microseconds(200)); }

 private:
  adapters::AsioExecutor executor_;
  std::unique_ptr<adapters::PostgresDatabase> database_;
  TaskScope scope_{executor_, 0};
};

}  // namespace reliant::tests

// The worlds of the database contract in which time is virtual: SQLite, and the simulated databases around it.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/sqlite/sqlite_database.h"
#include "adapters/sqlite/sqlite_database_commit_thread.h"
#include "kernel/simulation.h"
#include "runtime/scope.h"
#include "support/temporary_directory.h"
#include "world/network.h"
#include "world/sim_database.h"

namespace reliant::tests {

class SqliteWorld {
 public:
  static constexpr std::size_t kWriters = 1;
  explicit SqliteWorld(std::unique_ptr<adapters::SqliteDatabase> database) : database_(std::move(database)) {}
  Executor& executor() { return executor_; }
  TaskScope& scope() { return scope_; }
  ports::Database& database() { return *database_; }

 private:
  Executor executor_{1};
  std::unique_ptr<adapters::SqliteDatabase> database_;
  TaskScope scope_{executor_, 0};
};

class SqliteInMemory : public SqliteWorld {
 public:
  SqliteInMemory() : SqliteWorld(*adapters::SqliteDatabase::open(":memory:")) {}
};

class SqliteFile : private TemporaryDirectory, public SqliteWorld {
 public:
  SqliteFile() : SqliteWorld(*adapters::SqliteDatabase::open(file("contract.db"))) {}
};

// Commits wait for the disk on a thread of their own.
class SqliteFileOnAThread : private TemporaryDirectory {
 public:
  static constexpr std::size_t kWriters = 1;
  adapters::AsioExecutor& executor() { return executor_; }
  TaskScope& scope() { return scope_; }
  ports::Database& database() { return *database_; }
  bool run_until(const std::function<bool()>& done) { return executor_.run_loop_until(done, std::chrono::seconds(40)); }
  void run_for(Duration duration) {
    executor_.run_loop_until([] { return false; }, duration);
  }
  void run_steps(std::uint64_t steps) { run_for(static_cast<std::int64_t>(steps) * std::chrono::microseconds(50)); }

 private:
  adapters::AsioExecutor executor_;
  std::unique_ptr<adapters::SqliteDatabase> database_ = *adapters::SqliteDatabase::open(
      file("contract.db"), adapters::SqliteDurability::kPower, std::make_unique<adapters::SqliteCommitThread>(executor_));
  TaskScope scope_{executor_, 0};
};

class SimDatabaseWorld {
 public:
  static constexpr std::size_t kWriters = 1;
  Executor& executor() { return simulation_.executor(); }
  TaskScope& scope() { return client_.scope(); }

 protected:
  sim::Simulation simulation_{7};
  sim::Network network_{simulation_};
  sim::Node& server_ = simulation_.add_node("db");
  sim::Node& client_ = simulation_.add_node("client");
};

class SimRemote : public SimDatabaseWorld {
 public:
  ports::Database& database() { return database_; }

 private:
  sim::DatabaseServer data_{network_, server_};
  sim::SimDatabase database_{data_, client_};
};

class SimFile : public SimDatabaseWorld {
 public:
  ports::Database& database() { return database_; }

 private:
  sim::DatabaseBeginnings beginnings_;
  sim::DatabaseFile file_{simulation_, client_, "journal.db", {}, &beginnings_};
  sim::SimFileDatabase database_{file_};
};

}  // namespace reliant::tests

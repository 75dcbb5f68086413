// MemoryDatabase: the data of a simulated database: SQLite in memory. DatabaseBeginnings: the shared initial state of
// databases that begin with the same scripts (a simulation has a journal for each daemon). The scripts run once; later
// databases begin as a copy, which is a tenth of the work. A database behaves the same with and without.
//
// Owner: a simulated server or file; the beginnings outlive the databases. Executor: the simulation's. Failures: those of
// SQLite, none of them simulated.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/sqlite/sqlite_database.h"
#include "ports/database.h"

namespace reliant::sim {

class DatabaseBeginnings {
 public:
  DatabaseBeginnings() = default;
  DatabaseBeginnings(const DatabaseBeginnings&) = delete;
  DatabaseBeginnings& operator=(const DatabaseBeginnings&) = delete;

 private:
  friend class MemoryDatabase;
  struct Beginning {
    std::unique_ptr<adapters::SqliteDatabase> contents;                   // null: empty
    std::map<std::string, std::unique_ptr<Beginning>, std::less<>> then;  // by the next script
  };
  Beginning empty_;
};

class MemoryDatabase final : public ports::Database {
 public:
  explicit MemoryDatabase(DatabaseBeginnings* beginnings);  // null: none

  bool has_turn(ports::Access access) const { return data_ == nullptr || data_->has_turn(access); }
  // A copy of this database, taken between two of its transactions.
  Task<Result<std::unique_ptr<MemoryDatabase>>> copy();

  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override;
  Task<Status> run_script(std::string_view sql, Instant deadline) override;
  Task<Result<WallTime>> wall_now(Instant deadline) override;

 private:
  using Beginning = DatabaseBeginnings::Beginning;

  Task<Status> go_its_own_way();
  static Task<Result<Beginning*>> after(Beginning& before, std::string script);

  Beginning* beginning_;                            // null: its data are its own
  std::unique_ptr<adapters::SqliteDatabase> data_;  // null: as it began
};

}  // namespace reliant::sim

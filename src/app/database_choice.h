// Which database a command works on: --db-driver and --db-url (R35, R43, R53, C26).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adapters/asio/asio_executor.h"
#include "adapters/postgres/postgres_database.h"
#include "app/data_directory.h"
#include "app/environment.h"
#include "base/command_line.h"
#include "base/status.h"
#include "ports/database.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::app {

enum class DatabaseDriver : std::uint8_t { kPostgres, kSqlite };

inline constexpr Flag kDbDriverFlag = {"--db-driver", "DRIVER", "DATABASE_DRIVER", "postgres", "postgres or sqlite"};
inline constexpr Flag kDbUrlFlag = {"--db-url", "URL", "DATABASE_URL", "",
                                    "postgres://user[:password]@host:5432/database; needed with --db-driver postgres"};

struct DatabaseOptions {
  DatabaseDriver driver = DatabaseDriver::kPostgres;
  std::string url;       // of PostgreSQL
  std::string url_from;  // how it was given: "--db-url" or "DATABASE_URL"
  std::string data_dir;  // of SQLite
};

// Of any command with these flags and --data-dir. INVALID_ARGUMENT names the flag and the remedy.
Result<DatabaseOptions> database_options(const Arguments& arguments, const Environment& environment);

// Opened, and known to answer. `directory` is the one that SQLite's file is in, locked.
struct ChosenDatabase {
  std::optional<DataDirectory> directory;
  std::unique_ptr<ports::Database> database;
  const adapters::PostgresDatabase* postgres = nullptr;  // the same, if it is one
};
// The error names the flag, its value (without a password) and what to do.
Task<Result<ChosenDatabase>> open_database(adapters::AsioExecutor& executor, DatabaseOptions options, Instant deadline);

// For messages: "postgres://user:***@host/database".
std::string without_password(std::string_view url);

}  // namespace reliant::app

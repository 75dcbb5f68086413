#include "app/database_choice.h"

#include <utility>

#include "adapters/postgres/postgres_database.h"
#include "adapters/sqlite/sqlite_database.h"
#include "app/options.h"
#include "base/cause.h"
#include "base/text.h"

namespace reliant::app {

std::string without_password(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t at = url.substr(0, url.find_first_of("/?", start)).rfind('@');
  const std::size_t colon = url.find(':', start);
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return std::string(url);
  return concat(url.substr(0, colon + 1), "***", url.substr(at));
}

Result<DatabaseOptions> database_options(const Arguments& arguments, const Environment& environment) {
  DatabaseOptions options;
  const std::string driver = arguments.text("--db-driver");
  if (driver != "postgres" && driver != "sqlite") {
    const std::string from = arguments.origin("--db-driver");
    return invalid_field(from, concat(from, " is \"", driver, "\"; give postgres or sqlite"));
  }
  if (driver == "sqlite") {
    options.driver = DatabaseDriver::kSqlite;
    TRY_ASSIGN(options.data_dir, data_dir_of(arguments, environment));
    return options;
  }
  options.url = arguments.text("--db-url");
  options.url_from = arguments.origin("--db-url");
  if (options.url.empty())
    return invalid_field("--db-url",
                         "--db-url is missing; give --db-url postgres://user@host:5432/database (or DATABASE_URL), "
                         "or --db-driver sqlite");
  const auto good = adapters::postgres_connection_string({.url = options.url});
  if (good.ok()) return options;
  return invalid_field(options.url_from,
                       concat(options.url_from, " is \"", without_password(options.url), "\": ", message_of(good.status())));
}

Task<Result<ChosenDatabase>> open_database(adapters::AsioExecutor& executor, DatabaseOptions options, Instant deadline) {
  ChosenDatabase chosen;
  if (options.driver == DatabaseDriver::kSqlite) {
    CO_TRY_ASSIGN(chosen.directory, DataDirectory::open(options.data_dir));
    CO_TRY_ASSIGN(chosen.database, adapters::SqliteDatabase::open(chosen.directory->file("reliant.db")));
    co_return chosen;
  }
  CO_TRY_ASSIGN(auto postgres, adapters::PostgresDatabase::open(executor, {.url = options.url}));
  const Status answers = co_await postgres->check(deadline);
  if (!answers.ok()) {
    co_return with_field(make_status(answers.code(), options.url_from, " ", without_password(options.url), ": ",
                                     described(answers), "; start PostgreSQL there, or correct ", options.url_from),
                         options.url_from);
  }
  chosen.postgres = postgres.get();
  chosen.database = std::move(postgres);
  co_return chosen;
}

}  // namespace reliant::app

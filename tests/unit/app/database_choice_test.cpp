#include "app/database_choice.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace reliant::app {
namespace {

constexpr Flag kFlags[] = {kDbDriverFlag, kDbUrlFlag, {"--data-dir", "DIR", "DATA_DIR", "", ""}};
constexpr Command kCommand = {"some command", "", 0, 0, "", kFlags};

Result<DatabaseOptions> options(std::vector<std::string> words, Environment environment = {}) {
  TRY_ASSIGN(const Arguments arguments, Arguments::parse(kCommand, words, environment));
  return database_options(arguments, environment);
}

TEST(DatabaseChoice, HidesThePasswordAndNothingElse) {
  EXPECT_EQ(without_password("postgres://me:secret@host:5432/db"), "postgres://me:***@host:5432/db");
  EXPECT_EQ(without_password("postgres://me:se@cret@host/db"), "postgres://me:***@host/db");
  for (const std::string plain : {"postgres://me@host:5432/db", "postgres://host:5432/db?user=a@b", "nonsense", ""})
    EXPECT_EQ(without_password(plain), plain);
}

TEST(DatabaseChoice, IsPostgresUnlessSaidOtherwise) {
  const auto given = options({"--db-url", "postgres://me@host/db"});
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(given->driver, DatabaseDriver::kPostgres);
  const auto file = options({"--db-driver", "sqlite", "--data-dir", "/tmp/x"});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->driver, DatabaseDriver::kSqlite);
  EXPECT_EQ(file->data_dir, "/tmp/x");
}

TEST(DatabaseChoice, NamesTheFlagOrVariableThatIsWrong) {
  EXPECT_EQ(field_of(options({}).status()), "--db-url");
  EXPECT_EQ(field_of(options({"--db-driver", "oracle"}).status()), "--db-driver");
  const Environment wrong({{"DATABASE_URL", "mysql://me:secret@host"}});
  const Status status = options({}, wrong).status();
  EXPECT_EQ(field_of(status), "DATABASE_URL");
  EXPECT_EQ(message_of(status).find("secret"), std::string_view::npos) << status;
}

}  // namespace
}  // namespace reliant::app

#include "contract/database/database_contract.h"

#include <fstream>

#include "base/cause.h"
#include "base/disk_full.h"
#include "contract/database/database_contract_worlds.h"

namespace reliant::tests {
namespace {

using adapters::SqliteDatabase;
using adapters::SqliteDurability;

using SqliteWorlds = ::testing::Types<SqliteInMemory, SqliteFile, SqliteFileOnAThread>;
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, DatabaseContract, SqliteWorlds);

using SimWorlds = ::testing::Types<SimRemote, SimFile>;
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, DatabaseContract, SimWorlds);

TEST(SqliteDatabase, FindsInAFileWhatWasCommittedBefore) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("kept.db");
  Executor executor(1);
  for (int round = 0; round < 2; ++round) {
    auto database = *SqliteDatabase::open(path, SqliteDurability::kPower);
    TaskScope scope(executor, 0);
    Started<Status> script(scope.context(),
                           database->run_script("CREATE TABLE IF NOT EXISTS t (a BIGINT); INSERT INTO t VALUES (1);", kNever));
    executor.run();
    EXPECT_TRUE(script.take().ok());
    auto transaction = Started(scope.context(), database->begin(Access::kRead, kNever));
    executor.run();
    auto reader = *transaction.take();
    Started<Result<Rows>> rows(scope.context(), reader->execute("SELECT a FROM t", {}));
    executor.run();
    EXPECT_EQ(rows.take()->size(), static_cast<std::size_t>(round + 1));
  }
}

TEST(SqliteDatabase, LetsReadersAndAWriterOfAFileWorkSideBySide) {
  const TemporaryDirectory directory;
  auto database = *SqliteDatabase::open(directory.file("wal.db"));
  Executor executor(1);
  TaskScope scope(executor, 0);
  Started<Result<TransactionPtr>> writer(scope.context(), database->begin(Access::kWrite, kNever));
  executor.run();
  const TransactionPtr writing = *writer.take();
  Started<Result<TransactionPtr>> reader(scope.context(), database->begin(Access::kRead, kNever));
  executor.run();
  ASSERT_TRUE(reader.ended());
  EXPECT_TRUE(reader.take().ok());
}

TEST(SqliteDatabase, SaysWhatToDoAboutAFileThatItCannotOpen) {
  const TemporaryDirectory directory;
  const auto nowhere = SqliteDatabase::open(directory.file("missing/x.db"));
  EXPECT_EQ(nowhere.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(nowhere.status()).find("must exist and be writable"), std::string_view::npos);

  std::ofstream(directory.file("text.db")) << std::string(4096, 'x');
  EXPECT_EQ(SqliteDatabase::open(directory.file("text.db")).status().code(), StatusCode::kDataLoss);
}

// SQLite's own word for it, which it has also when a quota or the largest size of a file is reached.
TEST(SqliteDatabase, ReportsAFullDisk) {
  const TemporaryDirectory directory;
  auto database = *SqliteDatabase::open(directory.file("small.db"));
  Executor executor(1);
  TaskScope scope(executor, 0);
  Started<Status> script(scope.context(), database->run_script("CREATE TABLE t (a TEXT); PRAGMA max_page_count = 8;", kNever));
  executor.run();
  ASSERT_TRUE(script.take().ok());
  const auto write = [](ports::Database& into, std::size_t bytes) -> Task<Status> {
    CO_TRY_ASSIGN(const auto transaction, co_await into.begin(Access::kWrite, kNever));
    CO_TRY_OK((co_await transaction->execute("INSERT INTO t VALUES ($1)", {std::string(bytes, 'x')})).status());
    co_return co_await transaction->commit();
  };
  Started<Status> large(scope.context(), write(*database, 100'000));
  executor.run();
  const Status full = large.take();
  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted) << full;
  EXPECT_EQ(reason_of(full), kReasonDiskFull);
  EXPECT_EQ(message_of(full).find("small.db"), std::string_view::npos) << full;
  EXPECT_NE(described(full).find("small.db"), std::string::npos) << full;
  Started<Status> little(scope.context(), write(*database, 10));
  executor.run();
  EXPECT_TRUE(little.take().ok()) << "there is room for this";
}

TEST(SqliteDatabase, NamesTheFileWhosePagesAreDamaged) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("torn.db");
  Executor executor(1);
  TaskScope scope(executor, 0);
  const auto run = [&](const std::string& sql) {
    auto database = *SqliteDatabase::open(path);
    Started<Status> script(scope.context(), database->run_script(sql, kNever));
    executor.run();
    return script.take();
  };
  EXPECT_TRUE(run("CREATE TABLE t (a TEXT); INSERT INTO t VALUES (printf('%.*c', 100000, 'x'));").ok());
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(8192, '\x5a');
  }
  const Status damaged = run("UPDATE t SET a = a || 'y'");
  EXPECT_EQ(damaged.code(), StatusCode::kDataLoss) << damaged;
  EXPECT_EQ(message_of(damaged), "a database is damaged; restore a copy of it");
  EXPECT_NE(described(damaged).find("torn.db"), std::string::npos) << described(damaged);
}

// Two programs on one file: the second waits without stopping its thread, and says so at its deadline.
TEST(SqliteDatabase, WaitsForAFileThatAnotherProgramHolds) {
  const TemporaryDirectory directory;
  auto mine = *SqliteDatabase::open(directory.file("shared.db"));
  auto theirs = *SqliteDatabase::open(directory.file("shared.db"));
  Executor executor(1);
  TaskScope scope(executor, 0);
  Started<Result<TransactionPtr>> held(scope.context(), theirs->begin(Access::kWrite, kNever));
  executor.run();
  TransactionPtr holding = *held.take();
  Started<Result<TransactionPtr>> late(scope.context(), mine->begin(Access::kWrite, executor.now() + std::chrono::seconds(1)));
  executor.run();
  EXPECT_EQ(late.take().status().code(), StatusCode::kDeadlineExceeded);
  Started<Result<TransactionPtr>> patient(scope.context(), mine->begin(Access::kWrite, kNever));
  executor.run_until(executor.now() + std::chrono::seconds(1));
  EXPECT_FALSE(patient.ended());
  holding.reset();
  executor.run_until(executor.now() + std::chrono::seconds(1));
  ASSERT_TRUE(patient.ended());
  EXPECT_TRUE(patient.take().ok());
}

}  // namespace
}  // namespace reliant::tests

#include "adapters/sqlite/sqlite_database_commit_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <semaphore>
#include <vector>

namespace reliant::tests {
namespace {

using adapters::AsioExecutor;
using adapters::SqliteCommitThread;
using std::chrono::seconds;

TEST(SqliteCommitThread, WorksElsewhereAndTellsOnTheLogicThreadInOrder) {
  constexpr int kMany = 1'000;
  AsioExecutor executor;
  SqliteCommitThread commits(executor);
  std::vector<int> worked;
  std::vector<int> told;
  int elsewhere = 0;
  executor.post([&] {
    for (int i = 0; i < kMany; ++i) {
      commits.run(
          [&, i] {
            worked.push_back(i);
            elsewhere += executor.runs_here() ? 0 : 1;
          },
          [&, i] {
            EXPECT_TRUE(executor.runs_here());
            told.push_back(i);
          });
    }
  });
  ASSERT_TRUE(executor.run_loop_until([&] { return told.size() == kMany; }, seconds(20)));
  EXPECT_EQ(worked, told);
  EXPECT_EQ(elsewhere, kMany);
  for (std::size_t i = 0; i < told.size(); ++i) ASSERT_EQ(told[i], static_cast<int>(i));
}

TEST(SqliteCommitThread, EndsWhatWasBegunAndTellsNothingOnceItIsGone) {
  AsioExecutor executor;
  auto commits = std::make_unique<SqliteCommitThread>(executor);
  std::binary_semaphore second{0};
  std::atomic<int> worked = 0;
  int told = 0;
  const auto tell = [&told, held = std::make_shared<int>(0)] { ++told; };
  commits->run([&] { ++worked; }, tell);
  commits->run(
      [&] {
        ++worked;
        second.release();
      },
      tell);
  second.acquire();  // the first one's answer waits for the logic thread
  commits->run([&] { ++worked; }, tell);
  commits.reset();
  EXPECT_EQ(worked, 3);
  bool after = false;
  executor.post([&] { after = true; });
  ASSERT_TRUE(executor.run_loop_until([&] { return after; }, seconds(10)));
  EXPECT_EQ(told, 0);
}

// More answers than the inbox holds wait for the logic thread, which waits for the thread that brings them.
TEST(SqliteCommitThread, IsDestroyedWithMoreAnswersThanTheInboxHolds) {
  AsioExecutor executor;
  auto commits = std::make_unique<SqliteCommitThread>(executor);
  constexpr std::size_t kMany = adapters::Inbox::kLimit + 10;
  std::atomic<std::size_t> worked = 0;
  for (std::size_t i = 0; i < kMany; ++i) {
    commits->run(
        [&] {
          ++worked;
          worked.notify_one();
        },
        [] { ADD_FAILURE() << "the logic thread does not run"; });
  }
  for (std::size_t seen = 0; seen <= adapters::Inbox::kLimit; seen = worked) worked.wait(seen);
  commits.reset();
  EXPECT_EQ(worked, kMany);
}

}  // namespace
}  // namespace reliant::tests

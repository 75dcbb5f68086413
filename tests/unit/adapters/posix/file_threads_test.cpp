#include "adapters/posix/file_threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

#include "runtime/scope.h"

namespace reliant::tests {
namespace {

using adapters::FileThreads;
using adapters::FileThreadsOptions;
using std::chrono::milliseconds;

// A file system that hangs until it is released.
struct Hung {
  std::counting_semaphore<> begun{0};
  std::counting_semaphore<> released{0};
  std::counting_semaphore<> ended{0};
};

class FileThreadsTest : public testing::Test {
 protected:
  void make(FileThreadsOptions options) { threads = std::make_unique<FileThreads>(executor, options); }
  void call(std::string key, std::function<Status()> work, std::optional<Status>& answer) {
    scope.spawn([](FileThreads& on, std::string k, std::function<Status()> w, std::optional<Status>& out) -> Task<void> {
      out = co_await on.run<Status>(std::move(k), std::move(w));
    }(*threads, std::move(key), std::move(work), answer));
  }
  void hang(std::string key, std::optional<Status>& answer) {
    call(
        std::move(key),
        [kept = hung] {
          kept->begun.release();
          kept->released.acquire();
          kept->ended.release();
          return ok_status();
        },
        answer);
  }
  bool run(const std::optional<Status>& answer) {
    return executor.run_loop_until([&] { return answer.has_value(); }, std::chrono::seconds(20));
  }

  std::shared_ptr<Hung> hung = std::make_shared<Hung>();
  adapters::AsioExecutor executor;
  std::unique_ptr<FileThreads> threads;
  TaskScope scope{executor, 0};
};

// Security notes, section 2: one hung path blocked every file tool of the daemon.
TEST_F(FileThreadsTest, AHungKeyDoesNotBlockAnotherKey) {
  make({});
  std::optional<Status> stuck;
  std::optional<Status> other;
  hang("/mnt/gone", stuck);
  call("/home/file", [] { return ok_status(); }, other);
  ASSERT_TRUE(run(other));
  EXPECT_TRUE(other->ok());
  EXPECT_FALSE(stuck);
  EXPECT_TRUE(threads->busy("/mnt/gone"));
  EXPECT_FALSE(threads->busy("/home/file"));
  hung->released.release();
  ASSERT_TRUE(run(stuck));
  EXPECT_TRUE(stuck->ok());
}

TEST_F(FileThreadsTest, CallsOfOneKeyRunInTheirOrder) {
  make({});
  std::vector<int> order;  // one at a time writes
  std::vector<std::optional<Status>> answers(20);
  for (int i = 0; i < 20; ++i) {
    call(
        "/file",
        [&order, i] {
          order.push_back(i);
          return ok_status();
        },
        answers[static_cast<std::size_t>(i)]);
  }
  ASSERT_TRUE(run(answers.back()));
  std::vector<int> expected(20);
  for (int i = 0; i < 20; ++i) expected[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(order, expected);
}

TEST_F(FileThreadsTest, CallsTimeOutAndQueuedWorkNeverRuns) {
  make({.timeout = milliseconds(50)});
  std::atomic<int> ran = 0;
  std::optional<Status> stuck;
  std::optional<Status> behind;
  hang("/mnt/gone", stuck);
  const auto count = [&ran] {
    ++ran;
    return ok_status();
  };
  call("/mnt/gone", count, behind);
  ASSERT_TRUE(run(behind));
  ASSERT_TRUE(run(stuck));
  EXPECT_EQ(stuck->code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(behind->code(), StatusCode::kDeadlineExceeded);
  EXPECT_NE(message_of(*stuck).find("/mnt/gone"), std::string_view::npos);
  hung->released.release();
  make({});  // when the first one has gone, so has whatever it would have run
  EXPECT_EQ(ran, 0);
}

TEST_F(FileThreadsTest, RecoversWhenAllItsThreadsHungForAWhile) {
  make({.most = 2, .timeout = milliseconds(500)});
  std::optional<Status> first;
  std::optional<Status> second;
  std::optional<Status> third;
  hang("/mnt/a", first);
  hang("/mnt/b", second);
  call("/home/file", [] { return ok_status(); }, third);
  ASSERT_TRUE(run(third));
  EXPECT_EQ(third->code(), StatusCode::kDeadlineExceeded);
  hung->released.release(2);
  hung->ended.acquire();
  hung->ended.acquire();
  std::optional<Status> fourth;
  call("/home/file", [] { return ok_status(); }, fourth);
  ASSERT_TRUE(run(fourth));
  EXPECT_TRUE(fourth->ok()) << *fourth;
}

// The threads wait for room in the inbox, and must not block the logic thread during the wait.
TEST_F(FileThreadsTest, AnswersMoreCallsThanTheInboxHolds) {
  make({});
  constexpr std::size_t kMany = adapters::Inbox::kLimit + 100;
  std::atomic<std::size_t> worked = 0;
  std::vector<std::optional<Status>> answers(kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    call(
        std::to_string(i),
        [&worked] {
          ++worked;
          worked.notify_one();
          return ok_status();
        },
        answers[i]);
  }
  std::optional<bool> busy;
  scope.spawn([](FileThreads& on, std::atomic<std::size_t>& done, std::optional<bool>& out) -> Task<void> {
    for (std::size_t seen = 0; seen <= adapters::Inbox::kLimit; seen = done) done.wait(seen);
    out = on.busy("0");
    co_return;
  }(*threads, worked, busy));
  const auto all_answered = [&] {
    return std::all_of(answers.begin(), answers.end(), [](const auto& one) { return one.has_value(); });
  };
  ASSERT_TRUE(executor.run_loop_until([&] { return busy && all_answered(); }, std::chrono::seconds(30)));
  EXPECT_FALSE(*busy);
  EXPECT_EQ(worked, kMany);
}

TEST_F(FileThreadsTest, IsDestroyedAlthoughACallHangs) {
  make({.timeout = milliseconds(10), .stop_timeout = milliseconds(10)});
  std::optional<Status> stuck;
  hang("/mnt/gone", stuck);
  ASSERT_TRUE(run(stuck));
  hung->begun.acquire();
  threads.reset();
  hung->released.release();
  hung->ended.acquire();  // its caller is gone, and it ends
}

}  // namespace
}  // namespace reliant::tests

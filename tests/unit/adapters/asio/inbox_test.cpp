#include "adapters/asio/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/event.h"
#include "runtime/failure_handler.h"
#include "runtime/scope.h"
#include "runtime/task.h"

namespace reliant::tests {
namespace {

using adapters::AsioExecutor;
using adapters::Inbox;
using std::chrono::seconds;

TEST(Inbox, RunsWorkOfEachThreadInItsOrderOnTheLogicThread) {
  constexpr int kThreads = 4;
  constexpr int kMany = 5'000;
  AsioExecutor executor;
  const auto inbox = Inbox::open(executor);
  std::vector<int> next(kThreads, 0);
  int sum = 0;
  int disorder = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kMany; ++i) {
        inbox->post([&, thread, i] {
          if (next[thread]++ != i || !executor.runs_here()) ++disorder;
          ++sum;
        });
      }
    });
  }
  EXPECT_TRUE(executor.run_loop_until([&] { return sum == kThreads * kMany; }, seconds(60)));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(disorder, 0);
}

TEST(Inbox, RunsNothingAfterItWasClosed) {
  AsioExecutor executor;
  const auto inbox = Inbox::open(executor);
  auto held = std::make_shared<int>(1);
  int ran = 0;
  EXPECT_TRUE(inbox->post([&ran, held] { ++ran; }));
  inbox->close();
  EXPECT_EQ(held.use_count(), 1);  // what waited is destroyed at once
  EXPECT_FALSE(inbox->post([&ran, held] { ++ran; }));
  EXPECT_EQ(held.use_count(), 1);
  inbox->close();
  bool after = false;
  executor.post([&] { after = true; });
  EXPECT_TRUE(executor.run_loop_until([&] { return after; }, seconds(10)));
  EXPECT_EQ(ran, 0);
}

TEST(Inbox, ClosedByItsOwnWorkRunsNoMoreOfIt) {
  AsioExecutor executor;
  const auto inbox = Inbox::open(executor);
  int ran = 0;
  inbox->post([&] {
    ++ran;
    inbox->close();
  });
  inbox->post([&] { ++ran; });
  bool after = false;
  executor.post([&] { after = true; });
  EXPECT_TRUE(executor.run_loop_until([&] { return after; }, seconds(10)));
  EXPECT_EQ(ran, 1);
}

TEST(Inbox, MakesAThreadWaitWhenItIsFull) {
  AsioExecutor executor;
  const auto inbox = Inbox::open(executor, 2);
  int ran = 0;
  std::atomic<int> posted = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      inbox->post([&] {
        ++ran;
        EXPECT_LE(posted, ran + 2);
      });
      ++posted;
    }
  });
  EXPECT_TRUE(executor.run_loop_until([&] { return ran == 100; }, seconds(20)));
  other.join();
}

TEST(Inbox, CloseReleasesAWaitingThread) {
  AsioExecutor executor;
  const auto inbox = Inbox::open(executor, 1);
  std::atomic<int> taken = 0;
  std::atomic<bool> gone = false;
  std::thread other([&] {
    while (inbox->post([] {})) {
      ++taken;
      taken.notify_one();
    }
    gone = true;
  });
  taken.wait(0);  // the inbox is full, and no thread runs the loop
  inbox->close();
  other.join();
  EXPECT_TRUE(gone);
  EXPECT_EQ(taken, 1);
}

TEST(Inbox, NeverMakesTheLogicThreadWait) {
  AsioExecutor executor;
  const auto inbox = Inbox::open(executor, 1);
  int ran = 0;
  executor.post([&] {
    for (int i = 0; i < 10; ++i) inbox->post([&] { ++ran; });
  });
  EXPECT_TRUE(executor.run_loop_until([&] { return ran == 10; }, seconds(10)));
}

Task<void> note_what_ran(Event& woken, const int& ran, int& seen) {
  co_await woken.wait();
  seen = ran;
}

// As when thousands of streams come at once: the role that accepts them must have its turn before all of them wait for it.
TEST(Inbox, LetsTasksRunWhileMuchWorkWaits) {
  constexpr int kMuch = 3000;
  constexpr int kLittleOfIt = 500;
  AsioExecutor executor;
  TaskScope tasks(executor, 0);
  const auto inbox = Inbox::open(executor);
  Event woken;
  int ran = 0;
  int seen = 0;
  tasks.spawn(note_what_ran(woken, ran, seen));
  EXPECT_FALSE(executor.run_loop_until([] { return false; }, std::chrono::milliseconds(1)));  // until it waits
  for (int i = 0; i < kMuch; ++i) {
    inbox->post([&] {
      ++ran;
      woken.set();
    });
  }
  EXPECT_TRUE(executor.run_loop_until([&] { return ran == kMuch && seen > 0; }, seconds(20)));
  EXPECT_LT(seen, kLittleOfIt);
}

TEST(Inbox, RunsTheRestAfterAnException) {
  FirstFailure failure;
  AsioExecutor executor;
  executor.set_failure_handler(&failure);
  const auto inbox = Inbox::open(executor);
  bool ran = false;
  inbox->post([] { throw std::runtime_error("thrown by a callback"); });
  inbox->post([&] { ran = true; });
  ASSERT_TRUE(executor.run_loop_until([&] { return ran; }, seconds(10)));
  ASSERT_TRUE(failure.error());
  EXPECT_EQ(what_of(failure.error()), "thrown by a callback");
}

}  // namespace
}  // namespace reliant::tests

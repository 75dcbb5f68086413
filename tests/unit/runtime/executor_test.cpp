#include "runtime/executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "runtime/event.h"
#include "testing.h"

namespace reliant {
namespace {

Task<void> note_after(Executor& executor, Duration delay, std::vector<Instant>& times) {
  co_await sleep_for(delay);
  times.push_back(executor.now());
}
Task<void> note_id(std::vector<int>& order, int id) {
  co_await yield();
  order.push_back(id);
}

TEST(Executor, TheClockJumpsFromTimerToTimer) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  std::vector<Instant> times;
  for (const Duration delay : {Duration(3h), Duration(1ns), Duration(0ns), Duration(2s), Duration(-5s)}) {
    scope.spawn(note_after(executor, delay, times));
  }
  executor.run();
  EXPECT_EQ(times, (std::vector<Instant>{at(0ns), at(0ns), at(1ns), at(2s), at(3h)}));
}

TEST(Executor, FifoRunsInTheOrderOfWaking) {
  Executor executor(1, Executor::Order::kFifo);
  TaskScope scope(executor, 1);
  std::vector<int> order;
  for (int i = 0; i < 20; ++i) scope.spawn(note_id(order, i));
  executor.run();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Executor, SeedsReachEveryOrder) {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Executor executor(seed);
    TaskScope scope(executor, 1);
    std::vector<int> order;
    for (int i = 0; i < 4; ++i) scope.spawn(note_id(order, i));
    executor.run();
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 24u);
}

class LastOfAll final : public Choices {
 public:
  std::uint32_t choose(std::uint32_t count) override {
    asked.push_back(count);
    return count - 1;
  }
  std::vector<std::uint32_t> asked;
};

TEST(Executor, ChoicesReplaceTheSeed) {
  LastOfAll choices;
  Executor executor(choices);
  TaskScope scope(executor, 1);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) scope.spawn(note_id(order, i));
  executor.run();
  EXPECT_EQ(order, (std::vector<int>{2, 1, 0}));
  ASSERT_FALSE(choices.asked.empty());
  for (const std::uint32_t count : choices.asked) EXPECT_GE(count, 2u);
}

TEST(Executor, RunUntilStopsAtTheInstantAndSetsTheClock) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  std::vector<Instant> times;
  for (const Duration delay : {1s, 2s, 3s}) scope.spawn(note_after(executor, delay, times));
  executor.run_until(at(2s));
  EXPECT_EQ(times.size(), 2u);
  EXPECT_EQ(executor.now(), at(2s));
  executor.run_until(at(2500ms));
  EXPECT_EQ(executor.now(), at(2500ms));
  EXPECT_EQ(executor.next_event(), at(3s));
  executor.run_until(kNever);
  EXPECT_EQ(executor.now(), at(3s));
  EXPECT_EQ(executor.next_event(), kNever);
}

TEST(Executor, RunUntilDoesNotMoveTheClockWhenTheStepsRunOut) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  std::vector<Instant> times;
  scope.spawn(note_after(executor, 1s, times));
  EXPECT_EQ(executor.run_until(at(5s), 2), 2u);
  EXPECT_EQ(executor.now(), at(1s));
  EXPECT_EQ(executor.run_until(at(5s), 2), 0u);
  EXPECT_EQ(executor.now(), at(5s));
}

TEST(Executor, RunUntilAfterACancelDoesNotRunLaterTimers) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  TaskScope cancelled(executor, 2);
  std::vector<Instant> times;
  scope.spawn(note_after(executor, 10s, times));
  cancelled.spawn(suspended_for_ever());
  executor.run_until(at(1s));
  cancelled.cancel();
  executor.run_until(at(2s));
  EXPECT_EQ(Token::live(), 0);
  EXPECT_TRUE(times.empty());
  EXPECT_EQ(executor.now(), at(2s));
}

TEST(Executor, ASleepForEverSetsNoTimer) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  std::vector<Instant> times;
  scope.spawn(note_after(executor, Duration::max(), times));
  executor.run_until(at(1s));
  scope.spawn(note_after(executor, Duration::max(), times));
  executor.run();
  EXPECT_EQ(executor.registered(), 0u);
  EXPECT_EQ(executor.now(), at(1s));
}

Task<void> yield_often(int times, long& sum) {
  for (int i = 0; i < times; ++i) {
    co_await yield();
    ++sum;
  }
}

TEST(Executor, AFifoListThatNeverRunsEmptyDoesNotGrowForEver) {
  Executor executor(1, Executor::Order::kFifo);
  TaskScope scope(executor, 1);
  long sum = 0;
  for (int i = 0; i < 10; ++i) scope.spawn(yield_often(5000, sum));
  scope.spawn(suspended_for_ever());
  executor.run();
  EXPECT_EQ(sum, 50'000);
}

// Sleepers that are destroyed at random moments, against a list that is searched.
TEST(Executor, TimersLeaveTheHeapInAnyOrder) {
  for (const auto order : {Executor::Order::kSeeded, Executor::Order::kFifo}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Executor executor(seed, order);
      Random random(seed);
      std::vector<Instant> times;
      std::vector<std::unique_ptr<TaskScope>> scopes;
      for (int i = 0; i < 300; ++i) {
        scopes.push_back(std::make_unique<TaskScope>(executor, 1));
        scopes.back()->spawn(note_after(executor, random.duration(1ns, 50ns), times));
      }
      executor.run_until(at(0ns));
      for (int i = 0; i < 150; ++i) {
        scopes.erase(scopes.begin() + static_cast<std::ptrdiff_t>(random.below(scopes.size())));
        if (i == 75) executor.run_until(at(20ns));
      }
      executor.run();
      EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
      EXPECT_EQ(executor.registered(), 0u);
    }
  }
}

struct CountingWake : Wake {
  int calls = 0;
  static void count(Wake& wake) { ++static_cast<CountingWake&>(wake).calls; }
};

TEST(Wake, CallsItsFunctionOncePerRegistration) {
  Executor executor(1);
  Context context{&executor, nullptr, 0};
  CountingWake wake;
  wake.bind(context, &CountingWake::count);
  wake.ready();
  wake.ready();
  executor.run();
  EXPECT_EQ(wake.calls, 1);
  wake.at(at(5s));
  wake.at(at(3s));
  executor.run();
  EXPECT_EQ(wake.calls, 2);
  EXPECT_EQ(executor.now(), at(3s));
  wake.at(at(9s));
  wake.ready();
  executor.run();
  EXPECT_EQ(wake.calls, 3);
  EXPECT_EQ(executor.now(), at(3s));
  wake.at(at(9s));
  wake.cancel();
  EXPECT_FALSE(wake.armed());
  wake.at(kNever);
  executor.run();
  EXPECT_EQ(wake.calls, 3);
}

struct Resumer : Wake {
  explicit Resumer(Wake& w) : waiting(w) {}
  Wake& waiting;
};

struct Parked {
  Wake wake;
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    wake.bind(*handle.promise().context, handle);
  }
  void await_resume() const noexcept {}
};
Task<void> park(Wake*& where, bool& resumed) {
  Parked parked;
  where = &parked.wake;
  co_await parked;
  resumed = true;
}

TEST(Wake, ACallbackMayResumeOneCoroutineAsItsLastAct) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  Wake* parked = nullptr;
  bool resumed = false;
  scope.spawn(park(parked, resumed));
  executor.run();
  Context world{&executor, nullptr, 0};
  Resumer resumer(*parked);
  resumer.bind(world, [](Wake& wake) {
    Wake& waiting = static_cast<Resumer&>(wake).waiting;
    waiting.context().executor->resume_now(waiting);
  });
  resumer.ready();
  const std::uint64_t before = executor.steps();
  executor.run();
  EXPECT_TRUE(resumed);
  EXPECT_EQ(executor.steps(), before + 1);
  EXPECT_EQ(scope.size(), 0u);
}

// A driver as production has one: it decides when to run and how late it is.
class Driver final : public Executor {
 public:
  Driver() : Executor(0, Order::kFifo) {}
  bool wants_to_run() const { return ready_count() > 0 || has_dying(); }
  Instant sleeps_until() const { return next_timer(); }
  void drain(Instant real_now) {
    if (has_dying()) reap();
    release(real_now);
    for (std::size_t batch = ready_count(); batch > 0 && ready_count() > 0; --batch) run_one();
  }
};

TEST(ExecutorDriver, RunsDueWorkOnItsSignal) {
  Driver driver;
  TaskScope scope(driver, 0);
  std::vector<Instant> times;
  EXPECT_FALSE(driver.wants_to_run());
  scope.spawn(note_after(driver, 5ms, times));
  EXPECT_TRUE(driver.wants_to_run());
  driver.drain(at(1ms));
  EXPECT_FALSE(driver.wants_to_run());
  EXPECT_EQ(driver.sleeps_until(), at(6ms));
  driver.drain(at(9ms));
  EXPECT_EQ(times, std::vector<Instant>{at(9ms)});
  EXPECT_EQ(driver.sleeps_until(), kNever);
  scope.spawn(suspended_for_ever());
  driver.drain(at(8ms));  // a clock that went back
  EXPECT_EQ(driver.now(), at(9ms));
  EXPECT_FALSE(driver.wants_to_run());
  scope.cancel();
  EXPECT_TRUE(driver.wants_to_run());
  driver.drain(at(10ms));
  EXPECT_EQ(scope.size(), 0u);
}

}  // namespace
}  // namespace reliant

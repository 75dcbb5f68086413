#include "adapters/asio/asio_executor.h"

#include <gtest/gtest.h>

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "adapters/asio/asio_operation.h"
#include "adapters/asio/signals.h"
#include "adapters/posix/os_entropy.h"
#include "adapters/posix/system_clock.h"
#include "runtime/channel.h"
#include "runtime/deadline.h"
#include "runtime/event.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"

namespace reliant::tests {
namespace {

using adapters::AsioExecutor;
using adapters::AsioOp;
using adapters::AsioResult;
using std::chrono::milliseconds;
using Socket = boost::asio::local::stream_protocol::socket;

Task<void> sleep_then_count(Duration delay, int& count) {
  co_await sleep_for(delay);
  ++count;
}

TEST(AsioExecutor, WakesSleepersInTheOrderOfTheirTimes) {
  AsioExecutor executor;
  TaskScope scope(executor, 0);
  std::vector<int> order;
  const auto sleeper = [](int number, Duration delay, std::vector<int>& seen) -> Task<void> {
    co_await sleep_for(delay);
    seen.push_back(number);
  };
  scope.spawn(sleeper(3, milliseconds(30), order));
  scope.spawn(sleeper(1, milliseconds(5), order));
  scope.spawn(sleeper(2, milliseconds(10), order));
  EXPECT_TRUE(executor.run_loop_until([&] { return order.size() == 3; }, std::chrono::seconds(10)));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_GE(executor.now(), Instant(milliseconds(30)));
}

// The timer stays armed for cancelled times: that must neither wake a sleeper nor lose one.
TEST(AsioExecutor, CancelledTimersDoNotDelayLaterOnes) {
  AsioExecutor executor;
  TaskScope scope(executor, 0);
  Event called_off;
  int late = 0;
  int count = 0;
  const auto impatient = [](Event& event, Duration delay, AsioExecutor& clock, int& missed) -> Task<void> {
    const bool in_time = co_await event.wait(after(clock.now(), delay));
    if (!in_time) ++missed;
  };
  for (int i = 2; i < 50; ++i) scope.spawn(impatient(called_off, milliseconds(10 * i), executor, late));
  scope.spawn(sleep_then_count(milliseconds(60), count));
  executor.post([&] { called_off.set(); });
  ASSERT_TRUE(executor.run_loop_until([&] { return scope.size() == 1; }, std::chrono::seconds(10)));
  EXPECT_EQ(count, 0);
  scope.spawn(sleep_then_count(milliseconds(1), count));
  EXPECT_TRUE(executor.run_loop_until([&] { return count == 2; }, std::chrono::seconds(10)));
  EXPECT_GE(executor.now(), Instant(milliseconds(60)));
  EXPECT_EQ(late, 0);
}

TEST(AsioExecutor, PostedWorkSeesTheCurrentTimeAfterAnIdlePeriod) {
  AsioExecutor executor;
  Instant first{};
  executor.post([&] { first = executor.now(); });
  ASSERT_TRUE(executor.run_loop_until([&] { return first > Instant{}; }, std::chrono::seconds(10)));
  EXPECT_FALSE(executor.run_loop_until([] { return false; }, milliseconds(20)));  // nothing happens in the process
  Instant later{};
  executor.post([&] { later = executor.now(); });
  ASSERT_TRUE(executor.run_loop_until([&] { return later > Instant{}; }, std::chrono::seconds(10)));
  EXPECT_GE(later - first, milliseconds(20));
}

TEST(AsioExecutor, ReportsAnExceptionOfPostedWork) {
  FirstFailure failure;
  AsioExecutor executor;
  executor.set_failure_handler(&failure);
  bool ran = false;
  executor.post([] { throw std::runtime_error("thrown by a callback"); });
  executor.post([&] { ran = true; });
  ASSERT_TRUE(executor.run_loop_until([&] { return ran; }, std::chrono::seconds(10)));
  ASSERT_TRUE(failure.error());
  EXPECT_EQ(what_of(failure.error()), "thrown by a callback");
}

// All ready tasks, and the tasks that they woke, have run when a batch ends; and the end may wake more.
TEST(AsioExecutor, EndsABatchAfterAllThatWasReady) {
  AsioExecutor executor;
  TaskScope scope(executor, 0);
  std::string order;
  Event event;
  const auto asks = [](AsioExecutor& clock, std::string& seen, Event& wakes) -> Task<void> {
    seen += 'a';
    clock.run_at_end_of_batch([&] {
      seen += 'e';
      wakes.set();
    });
    co_return;
  };
  const auto adds = [](char what, std::string& seen) -> Task<void> {
    seen += what;
    co_return;
  };
  const auto waits = [](std::string& seen, Event& until) -> Task<void> {
    co_await until.wait();
    seen += 'w';
  };
  scope.spawn(waits(order, event));
  scope.spawn(asks(executor, order, event));
  scope.spawn(adds('b', order));
  EXPECT_TRUE(executor.run_loop_until([&] { return order.size() == 4; }, std::chrono::seconds(10)));
  EXPECT_EQ(order, "abew");
  executor.run_at_end_of_batch([&] { order += 'l'; });  // nothing else is there to do
  EXPECT_TRUE(executor.run_loop_until([&] { return order.size() == 5; }, std::chrono::seconds(10)));
}

Task<void> go_on(int& count) {
  for (;;) {
    ++count;
    co_await yield();
  }
}

TEST(AsioExecutor, EndsABatchWhenNothingIsLeftToRun) {
  AsioExecutor executor;
  TaskScope scope(executor, 0);
  std::string order;
  const auto steps = [](AsioExecutor& clock, std::string& seen) -> Task<void> {
    clock.run_at_end_of_batch([&] { seen += 'e'; });
    clock.post([&] { seen += 'p'; });
    for (int i = 0; i < 3; ++i) {
      co_await yield();
      seen += 's';
    }
  };
  scope.spawn(steps(executor, order));
  EXPECT_TRUE(executor.run_loop_until([&] { return order.size() == 5; }, std::chrono::seconds(10)));
  EXPECT_EQ(order, "pssse");
}

TEST(AsioExecutor, EndsABatchAtItsLimitUnderEndlessWork) {
  AsioExecutor executor;
  TaskScope scope(executor, 0);
  int count = 0;
  bool ended = false;
  scope.spawn(go_on(count));
  executor.run_at_end_of_batch([&] { ended = true; });
  EXPECT_TRUE(executor.run_loop_until([&] { return ended; }, std::chrono::seconds(10)));
  EXPECT_LT(count, 100);
}

TEST(AsioExecutor, KnowsItsThread) {
  AsioExecutor executor;
  EXPECT_FALSE(executor.runs_here());
  std::optional<bool> inside;
  executor.post([&] { inside = executor.runs_here(); });
  EXPECT_TRUE(executor.run_loop_until([&] { return inside.has_value(); }, std::chrono::seconds(10)));
  EXPECT_TRUE(*inside);
  EXPECT_FALSE(executor.runs_here());
}

TEST(AsioExecutor, RunsTasksThatPostedWorkWakesAfterAStop) {
  AsioExecutor executor;
  TaskScope scope(executor, 0);
  Event event;
  int count = 0;
  const auto waiter = [](Event& happens, int& seen) -> Task<void> {
    (void)co_await happens.wait();
    ++seen;
  };
  scope.spawn(waiter(event, count));
  executor.post([&] {
    event.set();
    executor.stop();
  });
  executor.run_loop();
  EXPECT_EQ(count, 0);  // what was ready before the stop stays
  EXPECT_TRUE(executor.run_loop_until([&] { return count == 1; }, std::chrono::seconds(10)));
}

TEST(AsioExecutor, TellsThatTheLimitWasHit) {
  AsioExecutor executor;
  TaskScope scope(executor, 0);
  int count = 0;
  scope.spawn(sleep_then_count(std::chrono::hours(1), count));
  EXPECT_FALSE(executor.run_loop_until([&] { return count == 1; }, milliseconds(20)));
}

TEST(AsioExecutor, RunsUntilStopped) {
  AsioExecutor executor;
  TaskScope scope(executor, 0);
  int count = 0;
  const auto stopper = [](AsioExecutor& loop, int& seen) -> Task<void> {
    for (int i = 0; i < 1000; ++i) co_await yield();
    ++seen;
    loop.stop();
  };
  scope.spawn(stopper(executor, count));
  executor.run_loop();
  EXPECT_EQ(count, 1);
}

TEST(AsioExecutor, TakesWorkFromOtherThreadsInOrder) {
  constexpr int kMany = 20'000;
  AsioExecutor executor;
  Channel<int> numbers(kMany);
  std::vector<int> got;
  TaskScope scope(executor, 0);
  const auto reader = [](Channel<int>& from, std::vector<int>& to) -> Task<void> {
    for (;;) {
      const std::optional<int> number = co_await from.recv();
      to.push_back(*number);
    }
  };
  scope.spawn(reader(numbers, got));
  std::thread poster([&] {
    for (int i = 0; i < kMany; ++i) executor.post([&numbers, i] { numbers.try_send(int{i}); });
  });
  EXPECT_TRUE(executor.run_loop_until([&] { return got.size() == kMany; }, std::chrono::seconds(30)));
  poster.join();
  EXPECT_TRUE(std::ranges::is_sorted(got));
}

// --- Asio's objects --------------------------------------------------------------------------------------------------

struct Pair {
  explicit Pair(AsioExecutor& executor) : here(executor.io_executor()), there(executor.io_executor()) {
    boost::asio::local::connect_pair(here, there);
  }
  Socket here;
  Socket there;
  std::array<char, 16> buffer{};
};

Task<std::size_t> read_some(std::shared_ptr<Pair> pair) {
  AsioOp read([&](auto done) { pair->here.async_read_some(boost::asio::buffer(pair->buffer), std::move(done)); }, pair);
  const AsioResult result = co_await read;
  co_return result.bytes;
}

TEST(AsioOperation, GivesWhatTheOperationGives) {
  AsioExecutor executor;
  const auto pair = std::make_shared<Pair>(executor);
  std::optional<std::size_t> got;
  TaskScope scope(executor, 0);
  const auto reader = [](std::shared_ptr<Pair> from, std::optional<std::size_t>& bytes) -> Task<void> {
    bytes = co_await read_some(from);
  };
  scope.spawn(reader(pair, got));
  boost::asio::write(pair->there, boost::asio::buffer("hello", 5));
  EXPECT_TRUE(executor.run_loop_until([&] { return got.has_value(); }, std::chrono::seconds(10)));
  EXPECT_EQ(got, 5u);
}

TEST(AsioOperation, DestructionOfItsFrameCancelsItAndReleasesItsState) {
  AsioExecutor executor;
  auto pair = std::make_shared<Pair>(executor);
  const std::weak_ptr<Pair> kept = pair;
  int late = 0;
  {
    TaskScope scope(executor, 0);
    const auto reader = [](std::shared_ptr<Pair> from, AsioExecutor& loop, int& count) -> Task<void> {
      const auto bytes = co_await with_deadline(read_some(std::move(from)), loop.now() + milliseconds(10));
      if (!bytes) ++count;
    };
    scope.spawn(reader(std::move(pair), executor, late));
    EXPECT_TRUE(executor.run_loop_until([&] { return late == 1; }, std::chrono::seconds(10)));
  }
  EXPECT_TRUE(executor.run_loop_until([&] { return kept.expired(); }, std::chrono::seconds(10)));
  EXPECT_EQ(executor.registered(), 0u);
}

// Destroys everything after each number of handlers that the loop may have run.
TEST(AsioOperation, MayBeDestroyedAtAnyPoint) {
  for (std::size_t handlers = 0; handlers < 40; ++handlers) {
    AsioExecutor executor;
    const auto pair = std::make_shared<Pair>(executor);
    std::size_t got = 0;
    TaskScope scope(executor, 0);
    const auto reader = [](std::shared_ptr<Pair> from, AsioExecutor& loop, std::size_t& sum) -> Task<void> {
      for (;;) {
        const auto bytes = co_await with_deadline(read_some(from), loop.now() + milliseconds(50));
        if (bytes) sum += *bytes;
      }
    };
    scope.spawn(reader(pair, executor, got));
    for (std::size_t i = 0; i < handlers; ++i) {
      if (i % 3 == 0) boost::asio::write(pair->there, boost::asio::buffer("x", 1));
      int asked = 0;  // before, at the start, after a handler
      executor.run_loop_until([&] { return asked++ > 1; }, milliseconds(1));
    }
    EXPECT_LE(got, handlers);
  }
}

TEST(Signals, KeepsEachSignalUntilItIsTaken) {
  AsioExecutor executor;
  adapters::Signals signals(executor, {SIGUSR1, SIGUSR2});
  std::vector<int> got;
  TaskScope scope(executor, 0);
  std::raise(SIGUSR1);
  const auto taker = [](adapters::Signals& from, std::vector<int>& to) -> Task<void> {
    for (;;) {
      const int number = co_await from.next();
      to.push_back(number);
    }
  };
  scope.spawn(taker(signals, got));
  EXPECT_TRUE(executor.run_loop_until([&] { return got.size() == 1; }, std::chrono::seconds(10)));
  std::raise(SIGUSR2);
  EXPECT_TRUE(executor.run_loop_until([&] { return got.size() == 2; }, std::chrono::seconds(10)));
  EXPECT_EQ(got, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST(OsEntropy, DoesNotRepeatItself) {
  EXPECT_EQ(adapters::os_secret_bytes(32).size(), 32u);
  EXPECT_NE(adapters::os_secret_bytes(32), adapters::os_secret_bytes(32));
  EXPECT_NE(adapters::os_seed(), adapters::os_seed());
}

TEST(SystemClock, ShowsTheExecutorsTimeAndTheCalendar) {
  AsioExecutor executor;
  const adapters::SystemClock clock(executor);
  EXPECT_EQ(clock.now(), executor.now());
  EXPECT_GT(clock.wall_now(), WallTime(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1)));
}

}  // namespace
}  // namespace reliant::tests

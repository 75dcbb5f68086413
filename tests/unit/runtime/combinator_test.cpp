#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/all.h"
#include "runtime/channel.h"
#include "runtime/deadline.h"
#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "runtime/race.h"
#include "runtime/semaphore.h"
#include "runtime/this_context.h"
#include "testing.h"

namespace reliant {
namespace {

Task<int> value_after(Duration delay, int value) {
  Token token;
  if (delay > 0ns) co_await sleep_for(delay);
  co_return value;
}
Task<void> wait_for(Duration delay) {
  Token token;
  co_await sleep_for(delay);
}
Task<int> fail_after(Duration delay) {
  Token token;
  if (delay > 0ns) co_await sleep_for(delay);
  throw Boom{3};
}
Task<int> count_start(int& started) {
  ++started;
  co_await never();
  co_return 0;
}

Task<void> deadlines() {
  const auto in_time = co_await with_deadline(value_after(1ms, 5), at(2ms));
  EXPECT_EQ(in_time, 5);
  const auto late = co_await with_deadline(value_after(1s, 5), at(5ms));
  EXPECT_FALSE(late);
  EXPECT_EQ(Token::live(), 0);
  Executor& executor = *(co_await ThisContext{}).executor;
  EXPECT_EQ(executor.now(), at(5ms));
  const auto past = co_await with_deadline(value_after(1s, 5), at(1ms));
  EXPECT_FALSE(past);
  EXPECT_EQ(executor.now(), at(5ms));
  const auto of_void = co_await with_deadline(wait_for(1ms), kNever);
  EXPECT_TRUE(of_void);
  EXPECT_EQ(executor.registered(), 0u);
}

TEST(WithDeadline, ReturnsTheResultInTimeAndNulloptWhenLate) { run_alone(deadlines()); }

Task<void> deadline_without_timer(Executor& executor) {
  const auto ready = co_await with_deadline(value_after(0ns, 5), at(2ms));
  EXPECT_EQ(ready, 5);
  EXPECT_EQ(executor.registered(), 0u);
}

TEST(WithDeadline, ATaskThatEndsAtOnceSetsNoTimer) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  scope.spawn(deadline_without_timer(executor));
  executor.run();
  EXPECT_EQ(executor.steps(), 1u);
}

Task<void> deadline_exception(int& caught) {
  for (const Duration delay : {0ns, 5ns}) {
    try {
      co_await with_deadline(fail_after(delay), at(1s));
    } catch (const Boom&) {
      ++caught;
    }
  }
}

TEST(WithDeadline, PassesExceptionsThrough) {
  int caught = 0;
  run_alone(deadline_exception(caught));
  EXPECT_EQ(caught, 2);
}

Task<void> tie(int& in_time) {
  const auto result = co_await with_deadline(value_after(1ms, 5), at(1ms));
  if (result) ++in_time;
}

TEST(WithDeadline, TheSeedDecidesWhenEndAndDeadlineMeet) {
  constexpr int kRuns = 200;
  int in_time = 0;
  for (int seed = 0; seed < kRuns; ++seed) {
    Executor executor(static_cast<std::uint64_t>(seed));
    TaskScope scope(executor, 1);
    scope.spawn(tie(in_time));
    executor.run();
  }
  EXPECT_GT(in_time, kRuns / 4);
  EXPECT_LT(in_time, kRuns * 3 / 4);
}

Task<void> races() {
  const auto first = co_await race(value_after(3ms, 1), wait_for(2ms), value_after(4ms, 3));
  EXPECT_EQ(first.index(), 1u);
  EXPECT_EQ(Token::live(), 0);
  const auto value = co_await race(value_after(1ms, 1), wait_for(2ms));
  EXPECT_EQ(std::get<0>(value), 1);
  int started = 0;
  const auto ready = co_await race(count_start(started), value_after(0ns, 8), count_start(started));
  EXPECT_EQ(std::get<1>(ready), 8);
  EXPECT_EQ(started, 1);
}

TEST(Race, TheFirstToEndWinsAndTheOthersAreDestroyed) { run_alone(races()); }

// Whatever can be awaited: those that lose have had no effect.
struct Things {
  Event set;
  Event unset;
  OneShot<Token> empty;
  Channel<Token> channel{1};
  Semaphore semaphore{1};
};
Task<void> race_awaitables(Things& things) {
  things.set.set();
  const auto at_once = co_await race(things.unset.wait(), things.set.wait(), wait_for(1ms));
  EXPECT_TRUE(std::get<1>(at_once));
  const auto by_time = co_await race(things.channel.recv(), things.empty.wait(), things.unset.wait(), sleep_until(at(2ms)));
  EXPECT_EQ(by_time.index(), 3u);
  const auto late = co_await race(sleep_for(1h), things.unset.wait(at(3ms)), things.channel.recv());
  EXPECT_FALSE(std::get<1>(late));
  EXPECT_TRUE(things.channel.try_send(Token(7)));
  auto received = co_await race(things.semaphore.acquire(), things.channel.recv());
  EXPECT_EQ(received.index(), 0u);
  EXPECT_EQ(things.semaphore.used(), 1u);
  EXPECT_EQ(things.channel.size(), 1u);
  EXPECT_FALSE(co_await with_deadline(things.channel.send(Token(8)), at(4ms)));
  EXPECT_EQ((co_await with_deadline(things.channel.recv(), at(5ms))).value()->value(), 7);
}

TEST(Race, IsOfAnyAwaitable) {
  Things things;
  run_alone(race_awaitables(things));
  EXPECT_EQ(things.semaphore.used(), 0u);
  EXPECT_EQ(Token::live(), 0);
}

Task<void> race_exception(int& caught) {
  for (const Duration delay : {0ns, 5ns}) {
    try {
      co_await race(value_after(1s, 1), fail_after(delay));
    } catch (const Boom&) {
      ++caught;
      EXPECT_EQ(Token::live(), 0);
    }
  }
  const auto winner = co_await race(value_after(1ms, 1), fail_after(2ms));
  EXPECT_EQ(std::get<0>(winner), 1);
}

TEST(Race, AnExceptionWinsLikeAnyEnd) {
  int caught = 0;
  run_alone(race_exception(caught));
  EXPECT_EQ(caught, 2);
}

Task<void> gather(Executor& executor) {
  const auto [one, nothing, three] = co_await all(value_after(3ms, 1), wait_for(5ms), value_after(0ns, 3));
  (void)nothing;
  EXPECT_EQ(one, 1);
  EXPECT_EQ(three, 3);
  EXPECT_EQ(executor.now(), at(5ms));
  co_await all();
}

TEST(All, WaitsForTheLastAndKeepsTheOrder) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  scope.spawn(gather(executor));
  executor.run();
}

Task<void> gather_vector(Executor& executor, std::size_t count) {
  std::vector<Task<int>> tasks;
  for (std::size_t i = 0; i < count; ++i) {
    tasks.push_back(value_after((i % 7) * 1ms, static_cast<int>(i)));
  }
  const std::vector<int> results = co_await all(std::move(tasks));
  EXPECT_EQ(results.size(), count);
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i], static_cast<int>(i));
  EXPECT_EQ(executor.registered(), 0u);

  std::vector<Task<void>> voids;
  for (std::size_t i = 0; i < count; ++i) voids.push_back(wait_for(1ms));
  co_await all(std::move(voids));
}

TEST(All, OfAVectorGivesResultsInTheOrderOfTheTasks) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
    Executor executor(count);
    TaskScope scope(executor, 1);
    scope.spawn(gather_vector(executor, count));
    executor.run();
    EXPECT_EQ(scope.size(), 0u);
  }
}

Task<void> gather_failing(int& caught, int& started) {
  for (const Duration delay : {0ns, 5ns}) {
    try {
      co_await all(value_after(1s, 1), fail_after(delay), count_start(started));
    } catch (const Boom&) {
      ++caught;
      EXPECT_EQ(Token::live(), 0);
    }
    std::vector<Task<int>> tasks;
    tasks.push_back(value_after(1s, 1));
    tasks.push_back(fail_after(delay));
    tasks.push_back(count_start(started));
    try {
      co_await all(std::move(tasks));
    } catch (const Boom&) {
      ++caught;
      EXPECT_EQ(Token::live(), 0);
    }
  }
}

TEST(All, TheFirstExceptionDestroysTheOthersAndIsRethrown) {
  int caught = 0;
  int started = 0;
  run_alone(gather_failing(caught, started));
  EXPECT_EQ(caught, 4);
  EXPECT_EQ(started, 2);  // only where the failure came later
}

Task<void> nest_combinators(Executor& executor) {
  // A race, in a deadline, in an all: the innermost end must find its way up through frameless parents.
  struct Nested {
    static Task<int> racing(Duration a, Duration b) {
      const auto winner = co_await race(value_after(a, 1), value_after(b, 2));
      co_return winner.index() == 0 ? std::get<0>(winner) : std::get<1>(winner);
    }
    static Task<int> bounded(Duration a, Duration b, Instant when) {
      const auto result = co_await with_deadline(racing(a, b), when);
      co_return result.value_or(-1);
    }
  };
  const auto [a, b, c] =
      co_await all(Nested::bounded(1ms, 2ms, at(9ms)), Nested::bounded(4ms, 3ms, at(9ms)), Nested::bounded(1h, 2h, at(9ms)));
  EXPECT_EQ(a, 1);
  EXPECT_EQ(b, 2);
  EXPECT_EQ(c, -1);
  EXPECT_EQ(executor.now(), at(9ms));
  EXPECT_EQ(executor.registered(), 0u);
}

TEST(Combinators, Nest) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  scope.spawn(nest_combinators(executor));
  executor.run();
  EXPECT_EQ(Token::live(), 0);
}

}  // namespace
}  // namespace reliant

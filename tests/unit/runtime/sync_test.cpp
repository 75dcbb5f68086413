#include <gtest/gtest.h>

#include <optional>

#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "testing.h"

namespace reliant {
namespace {

struct World {
  Executor executor{1};
  TaskScope scope{executor, 1};
};

Task<void> wait_event(Event& event, Instant deadline, std::optional<bool>& result) {
  Token token;
  result = co_await event.wait(deadline);
}

TEST(Event, WakesEveryWaiterAndStaysSet) {
  World world;
  Event event;
  std::optional<bool> results[4];
  for (int i = 0; i < 3; ++i) world.scope.spawn(wait_event(event, kNever, results[i]));
  world.executor.run();
  EXPECT_FALSE(results[0]);
  event.set();
  world.executor.run();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(results[i], true);
  world.scope.spawn(wait_event(event, kNever, results[3]));
  world.executor.run();
  EXPECT_EQ(results[3], true);
}

TEST(Event, LateWaiterReceivesFalse) {
  World world;
  Event event;
  std::optional<bool> result;
  world.scope.spawn(wait_event(event, at(5ms), result));
  world.executor.run();
  EXPECT_EQ(result, false);
  EXPECT_EQ(world.executor.now(), at(5ms));
  event.set();
  EXPECT_EQ(world.executor.registered(), 0u);
}

TEST(Event, SetBeforeTheDeadlineRemovesTheTimer) {
  World world;
  Event event;
  std::optional<bool> result;
  world.scope.spawn(wait_event(event, at(5ms), result));
  world.executor.run(1);
  event.set();
  world.executor.run();
  EXPECT_EQ(result, true);
  EXPECT_EQ(world.executor.now(), at(0ms));
}

TEST(Event, ResetMakesLaterWaitersWaitButNotThoseAlreadyWoken) {
  World world;
  Event event;
  std::optional<bool> woken;
  std::optional<bool> later;
  world.scope.spawn(wait_event(event, kNever, woken));
  world.executor.run();
  event.set();
  event.reset();
  EXPECT_FALSE(event.is_set());
  world.scope.spawn(wait_event(event, at(5ms), later));
  world.executor.run();
  EXPECT_EQ(woken, true);
  EXPECT_EQ(later, false);
}

TEST(Event, SetAtTheInstantOfTheDeadlineIsNeverLost) {
  struct Setter {
    static Task<void> set_at(Event& event, Instant when) {
      co_await sleep_until(when);
      event.set();
    }
  };
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Executor executor(seed);
    TaskScope scope(executor, 1);
    Event event;
    std::optional<bool> result;
    scope.spawn(wait_event(event, at(5ms), result));
    scope.spawn(Setter::set_at(event, at(5ms)));
    executor.run();
    ASSERT_TRUE(result);  // either answer, but one
    EXPECT_EQ(executor.registered(), 0u);
  }
}

TEST(Event, DestructionReleasesItsWaiters) {
  World world;
  std::optional<bool> result;
  {
    Event event;
    world.scope.spawn(wait_event(event, at(5ms), result));
    world.executor.run(1);
  }
  world.executor.run();
  EXPECT_FALSE(result);
  EXPECT_EQ(world.scope.size(), 1u);
}

Task<void> wait_value(OneShot<Token>& one_shot, Instant deadline, std::optional<Token>& result, int& resumed) {
  Token token;
  result = co_await one_shot.wait(deadline);
  ++resumed;
}

TEST(OneShot, GivesItsValueOnce) {
  {
    World world;
    OneShot<Token> one_shot;
    std::optional<Token> first;
    std::optional<Token> second;
    int resumed = 0;
    world.scope.spawn(wait_value(one_shot, kNever, first, resumed));
    world.executor.run();
    EXPECT_TRUE(one_shot.set(Token(7)));
    EXPECT_FALSE(one_shot.set(Token(8)));
    world.executor.run();
    EXPECT_EQ(first->value(), 7);
    EXPECT_FALSE(one_shot.set(Token(9)));
    world.scope.spawn(wait_value(one_shot, kNever, second, resumed));
    world.executor.run();
    EXPECT_FALSE(second);
    EXPECT_EQ(resumed, 2);
  }
  EXPECT_EQ(Token::live(), 0);
}

TEST(OneShot, LateWaiterLeavesTheValueForTheNext) {
  {
    World world;
    OneShot<Token> one_shot;
    std::optional<Token> late;
    std::optional<Token> next;
    int resumed = 0;
    world.scope.spawn(wait_value(one_shot, at(5ms), late, resumed));
    world.executor.run();
    EXPECT_FALSE(late);
    one_shot.set(Token(7));
    world.scope.spawn(wait_value(one_shot, at(6ms), next, resumed));
    world.executor.run();
    EXPECT_EQ(next->value(), 7);
    EXPECT_EQ(resumed, 2);
    EXPECT_EQ(world.executor.registered(), 0u);
  }
  EXPECT_EQ(Token::live(), 0);
}

void let_two_wait() {
  World world;
  OneShot<Token> one_shot;
  std::optional<Token> result;
  int resumed = 0;
  world.scope.spawn(wait_value(one_shot, kNever, result, resumed));
  world.scope.spawn(wait_value(one_shot, kNever, result, resumed));
  world.executor.run();
}

TEST(OneShotDeathTest, AbortsOnASecondWaiter) { EXPECT_DEATH(let_two_wait(), "one waiter"); }

}  // namespace
}  // namespace reliant

#include "runtime/semaphore.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/keyed_mutex.h"
#include "testing.h"

namespace reliant {
namespace {

using Order = std::vector<int>;

// Members: later ones use earlier ones.
struct World {
  Executor executor{1, Executor::Order::kFifo};
  Semaphore semaphore{2};
  KeyedMutex<std::string> mutex;
  Order order;
  TaskScope scope{executor, 1};
};

Task<void> hold(World& world, int me, Duration length, Instant deadline = kNever) {
  Token token;
  const auto permit = co_await world.semaphore.acquire(deadline);
  world.order.push_back(permit ? me : -me);
  if (permit) co_await sleep_for(length);
}

TEST(Semaphore, GivesPermitsInTheOrderOfArrival) {
  World world;
  for (int i = 1; i <= 5; ++i) world.scope.spawn(hold(world, i, i * 1ms));
  world.executor.run_until(at(0ms));
  EXPECT_EQ(world.order, (Order{1, 2}));
  EXPECT_EQ(world.semaphore.used(), 2u);
  EXPECT_EQ(world.semaphore.waiting(), 3u);
  EXPECT_FALSE(world.semaphore.try_acquire()) << "a later caller must not overtake";
  world.executor.run_until(at(2ms));
  EXPECT_EQ(world.order, (Order{1, 2, 3, 4}));
  world.executor.run();
  EXPECT_EQ(world.order, (Order{1, 2, 3, 4, 5}));
  EXPECT_EQ(world.semaphore.used(), 0u);
}

TEST(Semaphore, AWaiterThatIsLateLeavesTheQueue) {
  World world;
  for (int i = 1; i <= 2; ++i) world.scope.spawn(hold(world, i, 10ms));
  world.scope.spawn(hold(world, 3, 1ms, at(5ms)));
  world.scope.spawn(hold(world, 4, 1ms, at(20ms)));
  world.executor.run_until(at(5ms));
  EXPECT_EQ(world.order, (Order{1, 2, -3}));
  EXPECT_EQ(world.semaphore.waiting(), 1u);
  world.executor.run();
  EXPECT_EQ(world.order, (Order{1, 2, -3, 4}));
  EXPECT_EQ(world.executor.now(), at(11ms)) << "no timer is left";
}

TEST(Semaphore, ADestroyedWaiterLeavesTheQueue) {
  World world;
  auto waiter = std::make_unique<TaskScope>(world.executor, 2);
  for (int i = 1; i <= 2; ++i) world.scope.spawn(hold(world, i, 10ms));
  world.executor.run_until(at(0ms));
  waiter->spawn(hold(world, 3, 1ms));
  world.executor.run_until(at(1ms));
  world.scope.spawn(hold(world, 4, 1ms));
  world.executor.run_until(at(2ms));
  EXPECT_EQ(world.semaphore.waiting(), 2u);
  waiter.reset();
  EXPECT_EQ(world.semaphore.waiting(), 1u);
  world.executor.run();
  EXPECT_EQ(world.order, (Order{1, 2, 4}));
  EXPECT_EQ(world.semaphore.used(), 0u);
}

TEST(Semaphore, APermitGoesWithItsOwner) {
  Semaphore semaphore(1);
  std::optional<Semaphore::Permit> first = semaphore.try_acquire();
  Semaphore::Permit second = *std::move(first);
  first.reset();
  EXPECT_FALSE(semaphore.try_acquire());
  { const Semaphore::Permit third = std::move(second); }
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_EQ(semaphore.used(), 0u);
}

TEST(SemaphoreDeath, OutlivesItsPermits) {
  EXPECT_DEATH(
      {
        auto semaphore = std::make_unique<Semaphore>(1);
        const auto permit = semaphore->try_acquire();
        semaphore.reset();
      },
      "must outlive its permits");
}

Task<void> hold_key(World& world, std::string key, int me, Duration length, Instant deadline = kNever) {
  Token token;
  const auto lock = co_await world.mutex.lock(std::move(key), deadline);
  world.order.push_back(lock ? me : -me);
  if (lock) co_await sleep_for(length);
}

TEST(KeyedMutex, LocksEachKeyInTheOrderOfArrival) {
  World world;
  {
    TaskScope scope(world.executor, 2);
    for (int i = 1; i <= 3; ++i) scope.spawn(hold_key(world, "k", i, 1s));
    scope.spawn(hold_key(world, "other", 9, 1s));
    scope.spawn(hold_key(world, "k", 4, 1s, at(1ms)));
    world.executor.run_until(at(1500ms));
    EXPECT_EQ(world.order, (Order{1, 9, -4, 2}));
  }
  EXPECT_TRUE(world.mutex.idle()) << "destroyed holders and waiters leave nothing";
}

TEST(KeyedMutex, PassesALockOnWhenTheWaiterIsDestroyed) {
  World world;
  auto holder = std::make_unique<TaskScope>(world.executor, 2);
  auto waiter = std::make_unique<TaskScope>(world.executor, 3);
  holder->spawn(hold_key(world, "k", 1, 1h));
  world.executor.run_until(at(1s));
  waiter->spawn(hold_key(world, "k", 2, 1h));
  world.executor.run_until(at(2s));
  world.scope.spawn(hold_key(world, "k", 3, 1s));
  world.executor.run_until(at(3s));
  holder.reset();  // the lock is reserved for the waiter,
  waiter.reset();  // which never runs
  world.executor.run();
  EXPECT_EQ(world.order, (Order{1, 3}));
  EXPECT_TRUE(world.mutex.idle());
}

}  // namespace
}  // namespace reliant

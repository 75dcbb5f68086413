#include "runtime/channel.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "runtime/deadline.h"
#include "runtime/race.h"
#include "runtime/random.h"
#include "testing.h"

namespace reliant {
namespace {

struct World {
  Executor executor{1};
  TaskScope scope{executor, 1};
};

Task<void> send_range(Channel<int>& channel, int first, int last) {
  for (int i = first; i < last; ++i) {
    const bool sent = co_await channel.send(i);
    EXPECT_TRUE(sent);
  }
}
Task<void> receive_all(Channel<int>& channel, std::vector<int>& received) {
  while (const auto item = co_await channel.recv()) received.push_back(*item);
}
Task<void> send_one(Channel<int>& channel, int value, Instant deadline, std::optional<bool>& result) {
  result = co_await channel.send(value, deadline);
}
Task<void> receive_one(Channel<int>& channel, Instant deadline, std::optional<std::optional<int>>& result) {
  std::optional<int> item = co_await channel.recv(deadline);
  result.emplace(item);
}

TEST(Channel, KeepsTheOrderOfOneSender) {
  for (const std::size_t capacity : {1, 2, 3, 100}) {
    World world;
    Channel<int> channel(capacity);
    std::vector<int> received;
    world.scope.spawn(send_range(channel, 0, 50));
    world.scope.spawn(receive_all(channel, received));
    world.executor.run();
    ASSERT_EQ(received.size(), 50u);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(received[static_cast<std::size_t>(i)], i);
    channel.close();
    world.executor.run();
    EXPECT_EQ(world.scope.size(), 0u);
  }
}

TEST(Channel, HoldsNoMoreThanItsCapacity) {
  World world;
  Channel<int> channel(3);
  world.scope.spawn(send_range(channel, 0, 10));
  world.executor.run();
  EXPECT_EQ(channel.size(), 3u);
  EXPECT_EQ(channel.capacity(), 3u);
  EXPECT_FALSE(channel.try_send(99));
  EXPECT_EQ(channel.try_recv(), 0);
  world.executor.run();
  EXPECT_EQ(channel.size(), 3u);
}

TEST(Channel, CloseEndsSendersAtOnceAndReceiversWhenItIsEmpty) {
  World world;
  Channel<int> channel(2);
  std::optional<bool> sent;
  std::vector<int> received;
  EXPECT_TRUE(channel.try_send(1));
  EXPECT_TRUE(channel.try_send(2));
  world.scope.spawn(send_one(channel, 3, kNever, sent));
  world.executor.run();
  channel.close();
  channel.close();
  world.executor.run();
  EXPECT_EQ(sent, false);
  EXPECT_FALSE(channel.try_send(4));
  world.scope.spawn(receive_all(channel, received));
  world.executor.run();
  EXPECT_EQ(received, (std::vector<int>{1, 2}));
  EXPECT_EQ(world.scope.size(), 0u);
}

TEST(Channel, CloseWakesWaitingReceivers) {
  World world;
  Channel<int> channel(2);
  std::vector<int> received;
  world.scope.spawn(receive_all(channel, received));
  world.scope.spawn(receive_all(channel, received));
  world.executor.run();
  channel.close();
  world.executor.run();
  EXPECT_EQ(world.scope.size(), 0u);
}

TEST(Channel, ALateReceiverGetsNothingAndTakesNothing) {
  World world;
  Channel<int> channel(2);
  std::optional<std::optional<int>> late;
  world.scope.spawn(receive_one(channel, at(5ms), late));
  world.executor.run();
  ASSERT_TRUE(late);
  EXPECT_FALSE(*late);
  EXPECT_TRUE(channel.try_send(1));
  EXPECT_EQ(channel.try_recv(), 1);
  EXPECT_EQ(world.executor.now(), at(5ms));
}

TEST(Channel, ALateSenderSendsNothing) {
  World world;
  Channel<int> channel(1);
  std::optional<bool> sent;
  EXPECT_TRUE(channel.try_send(1));
  world.scope.spawn(send_one(channel, 2, at(5ms), sent));
  world.executor.run();
  EXPECT_EQ(sent, false);
  EXPECT_EQ(channel.try_recv(), 1);
  EXPECT_EQ(channel.try_recv(), std::nullopt);
}

TEST(Channel, PastDeadlineStillTakesABufferedValue) {
  World world;
  Channel<int> channel(1);
  world.executor.run_until(at(10ms));
  EXPECT_TRUE(channel.try_send(1));
  std::optional<std::optional<int>> item;
  std::optional<std::optional<int>> none;
  world.scope.spawn(receive_one(channel, at(5ms), item));
  world.executor.run();
  world.scope.spawn(receive_one(channel, at(5ms), none));
  world.executor.run();
  EXPECT_EQ(**item, 1);
  EXPECT_FALSE(*none);
  EXPECT_EQ(world.executor.now(), at(10ms));
}

TEST(Channel, ADestroyedReceiverGivesItsClaimToTheNext) {
  Executor executor(1);
  Channel<int> channel(1);
  std::vector<int> first_received;
  std::vector<int> second_received;
  TaskScope second(executor, 2);
  {
    TaskScope first(executor, 1);
    first.spawn(receive_all(channel, first_received));
    executor.run();
    second.spawn(receive_all(channel, second_received));
    executor.run();
    EXPECT_TRUE(channel.try_send(7));  // reserved for the first
    EXPECT_FALSE(channel.try_recv());  // so not for a newcomer
  }
  executor.run();
  EXPECT_TRUE(first_received.empty());
  EXPECT_EQ(second_received, std::vector<int>{7});
}

TEST(Channel, DestructionReleasesItsWaiters) {
  World world;
  std::optional<std::optional<int>> result;
  {
    Channel<int> channel(1);
    world.scope.spawn(receive_one(channel, at(5ms), result));
    world.executor.run(1);
  }
  world.executor.run();
  EXPECT_FALSE(result);
}

void die_with_a_claim() {
  World world;
  std::optional<std::optional<int>> result;
  Channel<int> channel(1);
  world.scope.spawn(receive_one(channel, kNever, result));
  world.executor.run();
  channel.try_send(1);
  channel.~Channel();
}

TEST(ChannelDeathTest, AbortsWhenItDiesBeforeThoseItHasWoken) {
  EXPECT_DEATH(die_with_a_claim(), "must outlive those it has woken");
}

// --- conservation: nothing lost, nothing doubled -------------------------------------------------

constexpr int kSenders = 4;
constexpr int kItemsEach = 100;

struct Account {
  Executor& executor;
  Random random;
  Channel<int> channel;
  std::vector<int> seen = std::vector<int>(kSenders * kItemsEach);
  int sent = 0;
  int received = 0;
  int late = 0;

  Duration some(std::uint64_t below) { return Duration(static_cast<std::int64_t>(random.below(below))); }
  void take(int item) {
    ++seen[static_cast<std::size_t>(item)];
    ++received;
  }
};

Task<bool> send_in_a_task(Account& account, int value) { co_return co_await account.channel.send(value); }
Task<std::optional<int>> receive_in_a_task(Account& account) { co_return co_await account.channel.recv(); }

Task<void> send_under_deadlines(Account& account, int base) {
  for (int i = 0; i < kItemsEach;) {
    const Instant deadline = account.executor.now() + account.some(4);
    bool sent = false;
    if (account.random.chance(1, 2)) {
      const auto result = co_await with_deadline(send_in_a_task(account, base + i), deadline);
      sent = result.has_value();
    } else {
      sent = co_await account.channel.send(base + i, deadline);
    }
    if (sent) {
      ++account.sent;
      ++i;
    } else {
      ++account.late;
    }
    if (account.random.chance(1, 3)) co_await sleep_for(account.some(5));
  }
}

Task<void> receive_under_deadlines(Account& account) {
  for (;;) {
    const std::uint64_t way = account.random.below(3);
    const Instant deadline = account.executor.now() + account.some(4);
    std::optional<int> item;
    if (way == 0) {
      const auto result = co_await with_deadline(receive_in_a_task(account), deadline);
      if (result) item = *result;
    } else if (way == 1) {
      item = co_await account.channel.recv(deadline);
    } else {
      const auto result = co_await race(receive_in_a_task(account), receive_in_a_task(account));
      item = result.index() == 0 ? std::get<0>(result) : std::get<1>(result);
    }
    if (item) {
      account.take(*item);
    } else if (account.channel.closed()) {
      co_return;
    } else {
      ++account.late;
    }
    if (account.random.chance(1, 3)) co_await yield();
  }
}

TEST(Channel, LosesAndDoublesNothingUnderDeadlinesAndRaces) {
  long late = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Executor executor(seed, seed % 5 != 0 ? Executor::Order::kSeeded : Executor::Order::kFifo);
    Account account{executor, Random(seed * 77), Channel<int>(1 + seed % 3)};
    TaskScope scope(executor, 1);
    for (int i = 0; i < kSenders; ++i) scope.spawn(send_under_deadlines(account, i * kItemsEach));
    for (int i = 0; i < 3; ++i) scope.spawn(receive_under_deadlines(account));
    executor.run(200'000);
    ASSERT_EQ(account.sent, kSenders * kItemsEach) << "seed " << seed;
    ASSERT_EQ(account.received, account.sent) << "seed " << seed;
    for (const int times : account.seen) ASSERT_EQ(times, 1) << "seed " << seed;
    account.channel.close();
    executor.run();
    ASSERT_EQ(scope.size(), 0u);
    late += account.late;
  }
  EXPECT_GT(late, 1000);  // or the test tests nothing
}

}  // namespace
}  // namespace reliant

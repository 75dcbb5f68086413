// The keys with which servers sign, and the time that they share, on both engines.
#include <gtest/gtest.h>

#include "store/database_clock.h"
#include "store_world.h"

namespace reliant::tests {
namespace {

using namespace std::chrono_literals;
using store::KeyRotation;
using store::SigningKey;

constexpr KeyRotation kDaily{.every = 24h, .known_after = 3min, .kept = 1h};

class SigningKeysTest : public StoreWorld {};

TEST_F(SigningKeysTest, ConcurrentServersMakeOneKey) {
  auto one = start(store().signing_keys().rotate("a", kDaily, soon()));
  auto other = start(other_store().signing_keys().rotate("b", kDaily, soon()));
  const auto first = await(*one);
  const auto second = await(*other);
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  ASSERT_EQ(first->size(), 1u);
  ASSERT_EQ(second->size(), 1u);
  EXPECT_EQ(first->front().id, second->front().id);
  EXPECT_EQ(value(store().signing_keys().list(soon())).size(), 1u);
}

TEST_F(SigningKeysTest, AnOldKeyIsRetiredWhenEveryServerKnowsTheNextAndDeletedLater) {
  const SigningKey old = value(store().signing_keys().rotate("a", kDaily, soon())).front();
  EXPECT_FALSE(old.retired_at.has_value());
  EXPECT_EQ(value(store().signing_keys().rotate("b", kDaily, soon())).size(), 1u) << "it is young";
  run_for(24h);
  const auto both = value(store().signing_keys().rotate("c", kDaily, soon()));
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].id, old.id);
  ASSERT_TRUE(both[0].retired_at.has_value());
  EXPECT_EQ(*both[0].retired_at, both[1].created_at + kDaily.known_after);
  EXPECT_EQ(both[1].secret, "c");
  EXPECT_FALSE(both[1].retired_at.has_value());
  run_for(25h);
  const auto last = value(store().signing_keys().rotate("d", kDaily, soon()));
  ASSERT_EQ(last.size(), 2u) << "the first is gone";
  EXPECT_EQ(last[0].id, both[1].id);
}

// Two machines whose wall clocks are minutes apart read the same time.
TEST_F(SigningKeysTest, TheDatabasesClockIsTheSameForProcessesWhoseOwnDiffer) {
  store::DatabaseClock ours(contents(), clock());
  set_wall_offset(0s);
  ASSERT_TRUE(get(ours.measure(soon())).ok());
  const WallTime before = ours.wall_now();
  set_wall_offset(10min);
  EXPECT_LT(ours.wall_now() - before, 1min) << "also when the local wall clock is set";
  store::DatabaseClock theirs(contents(), clock());
  EXPECT_GT(theirs.wall_now() - clock().wall_now(), -1s) << "it has not been measured";
  ASSERT_TRUE(get(theirs.measure(soon())).ok());
  EXPECT_LT(std::chrono::abs(theirs.wall_now() - ours.wall_now()), 1min);
}

}  // namespace
}  // namespace reliant::tests

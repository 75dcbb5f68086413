#include "runtime/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "testing.h"

namespace reliant {
namespace {

TEST(Backoff, TheCeilingDoublesFromOneSecondToThirty) {
  Random random(1);
  Backoff backoff(BackoffPolicy{}, random);
  std::vector<Duration> ceilings;
  for (int i = 0; i < 8; ++i) {
    ceilings.push_back(backoff.ceiling());
    backoff.next();
  }
  EXPECT_EQ(ceilings, (std::vector<Duration>{1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s}));
  EXPECT_EQ(backoff.attempts(), 8u);
}

TEST(Backoff, EveryWaitIsWithinTheCeilingAndUsesAllOfIt) {
  std::vector<Duration> waits;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    Backoff backoff(BackoffPolicy{}, random);
    for (int attempt = 0; attempt < 12; ++attempt) {
      const Duration ceiling = backoff.ceiling();
      const Duration wait = backoff.next();
      ASSERT_GE(wait, 0ns);
      ASSERT_LE(wait, ceiling);
      ASSERT_LE(ceiling, 30s);
      if (attempt == 11) waits.push_back(wait);
    }
  }
  // Jitter after the cap: uniform in [0, 30 s], not heaped up at 30 s.
  std::sort(waits.begin(), waits.end());
  EXPECT_LT(waits.front(), 1s);
  EXPECT_GT(waits.back(), 29s);
  EXPECT_NEAR(static_cast<double>(waits[waits.size() / 2].count()), 15e9, 1.5e9);
}

TEST(Backoff, ResetsAfterAStableMinuteAndNotBefore) {
  Random random(1);
  Backoff backoff(BackoffPolicy{}, random);
  for (int i = 0; i < 5; ++i) backoff.next();
  backoff.was_up_for(60s - 1ns);
  EXPECT_EQ(backoff.ceiling(), 30s);
  backoff.was_up_for(60s);
  EXPECT_EQ(backoff.ceiling(), 1s);
  EXPECT_EQ(backoff.attempts(), 0u);
  backoff.next();
  backoff.reset();
  EXPECT_EQ(backoff.ceiling(), 1s);
}

TEST(Backoff, HonoursTheServersRetryAfter) {
  Random random(1);
  Backoff backoff(BackoffPolicy{}, random);
  EXPECT_EQ(backoff.next(45s), 45s);
  EXPECT_EQ(backoff.ceiling(), 2s);
}

TEST(Backoff, GrowsByFractionsAndNeverOverflows) {
  Random random(1);
  BackoffPolicy policy;
  policy.base = 100ms;
  policy.cap = Duration(std::numeric_limits<std::int64_t>::max());
  policy.factor = {3, 2};
  Backoff backoff(policy, random);
  backoff.next();
  EXPECT_EQ(backoff.ceiling(), 150ms);
  for (int i = 0; i < 200; ++i) {
    const Duration before = backoff.ceiling();
    backoff.next();
    ASSERT_GE(backoff.ceiling(), before);
  }
  EXPECT_EQ(backoff.ceiling(), policy.cap);
}

TEST(Backoff, ABaseAboveTheCapIsTheCap) {
  Random random(1);
  Backoff backoff(BackoffPolicy{.base = 60s}, random);
  EXPECT_EQ(backoff.ceiling(), 30s);
}

}  // namespace
}  // namespace reliant

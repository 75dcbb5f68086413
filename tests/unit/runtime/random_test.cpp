#include "runtime/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <vector>

#include "testing.h"

namespace reliant {
namespace {

// The published test vector of splitmix64: a change here changes every seed ever reported.
TEST(Random, IsTheSameForEver) {
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317ull);
  EXPECT_EQ(random.next(), 3203168211198807973ull);
  EXPECT_EQ(random.next(), 9817491932198370423ull);
  EXPECT_EQ(random.next(), 4593380528125082431ull);
}

TEST(RandomStreams, AreTheSameForEver) {
  const RandomStreams streams(7);
  Random random = streams.stream("link/gw1/d17");
  EXPECT_EQ(random.next(), 5536084990350436418ull);
}

TEST(RandomStreams, DependOnSeedAndLabelAndOnNothingElse) {
  const RandomStreams streams(7);
  Random disturbed = streams.stream("other");
  disturbed.next();
  std::set<std::uint64_t> firsts;
  for (const std::uint64_t seed : {0ull, 1ull, 2ull, 1ull << 63}) {
    for (const std::string_view label : {"", "a", "b", "ab", "ba"}) {
      Random once = RandomStreams(seed).stream(label);
      Random again = RandomStreams(seed).stream(label);
      const std::uint64_t first = once.next();
      EXPECT_EQ(first, again.next());
      firsts.insert(first);
    }
  }
  EXPECT_EQ(firsts.size(), 20u);
}

TEST(Random, BelowIsUniform) {
  Random random(1);
  constexpr int kDraws = 60'000;
  std::array<int, 6> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(counts.size())];
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 6, 500);
}

TEST(Random, BelowHoldsAtTheEdges) {
  Random random(1);
  const std::uint64_t huge = (1ull << 63) + 1;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(random.below(1), 0u);
    EXPECT_LT(random.below(huge), huge);
  }
}

TEST(Random, BetweenIncludesBothEnds) {
  Random random(1);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.between(-2, 2));
  EXPECT_EQ(seen, (std::set<std::int64_t>{-2, -1, 0, 1, 2}));
  constexpr auto kLow = std::numeric_limits<std::int64_t>::min();
  constexpr auto kHigh = std::numeric_limits<std::int64_t>::max();
  std::set<bool> signs;
  for (int i = 0; i < 100; ++i) signs.insert(random.between(kLow, kHigh) < 0);
  EXPECT_EQ(signs.size(), 2u);
  EXPECT_EQ(random.between(kHigh, kHigh), kHigh);
}

TEST(Random, DurationsStayWithinTheirBounds) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const Duration drawn = random.duration(1ms, 2ms);
    EXPECT_GE(drawn, 1ms);
    EXPECT_LE(drawn, 2ms);
  }
}

TEST(Random, ChanceIsAProportion) {
  Random random(1);
  int hits = 0;
  for (int i = 0; i < 30'000; ++i) hits += random.chance(1, 3) ? 1 : 0;
  EXPECT_NEAR(hits, 10'000, 400);
  EXPECT_FALSE(random.chance(0, 5));
  EXPECT_TRUE(random.chance(5, 5));
}

TEST(Random, ShuffleIsAPermutationAndReachesAll) {
  Random random(1);
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 1000; ++i) {
    std::vector<int> items{1, 2, 3, 4};
    random.shuffle(std::span<int>(items));
    orders.insert(items);
    std::sort(items.begin(), items.end());
    EXPECT_EQ(items, (std::vector<int>{1, 2, 3, 4}));
  }
  EXPECT_EQ(orders.size(), 24u);
}

TEST(Random, HexAndFillGiveAnyLength) {
  for (const std::size_t length : {0, 1, 15, 16, 17, 64}) {
    Random random(9);
    const std::string text = random.hex(length);
    EXPECT_EQ(text.size(), length);
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
    std::vector<std::byte> bytes(length);
    random.fill(bytes);
  }
  Random random(9);
  const std::string first = random.hex(32);
  EXPECT_NE(first, random.hex(32));
}

TEST(RandomDeathTest, AbortsOnAnEmptyRange) {
  Random random(1);
  EXPECT_DEATH(random.below(0), "below");
  EXPECT_DEATH(random.between(2, 1), "low <= high");
}

TEST(Time, AfterSaturates) {
  EXPECT_EQ(after(at(1s), 2s), at(3s));
  EXPECT_EQ(after(at(1s), Duration::max()), kNever);
  EXPECT_EQ(after(kNever, 1ns), kNever);
  EXPECT_EQ(after(at(1s), -2s), at(-1s));
}

}  // namespace
}  // namespace reliant

#include "adapters/nats/nats_bus_pace.h"

#include <gtest/gtest.h>

namespace reliant::tests {
namespace {

using adapters::NatsBusPace;

constexpr Duration kLate = NatsBusPace::kSoon + std::chrono::nanoseconds(1);

class NatsBusPaceTest : public ::testing::Test {
 protected:
  // So many answers, each so long after its question.
  void answer(int times, Duration after_question) {
    for (int i = 0; i < times; ++i) {
      pace.asked(now);
      now += after_question;
      pace.answered(now);
    }
  }

  NatsBusPace pace;
  Instant now{std::chrono::hours(1)};
};

TEST_F(NatsBusPaceTest, KnowsNothingAtFirst) { EXPECT_FALSE(pace.comes_soon()); }

TEST_F(NatsBusPaceTest, ExpectsTheNextSoonAfterSomeInARow) {
  answer(NatsBusPace::kInARow - 1, NatsBusPace::kSoon);
  EXPECT_FALSE(pace.comes_soon());
  answer(1, NatsBusPace::kSoon);
  EXPECT_TRUE(pace.comes_soon());
  answer(1000, NatsBusPace::kSoon);
  EXPECT_TRUE(pace.comes_soon());
}

TEST_F(NatsBusPaceTest, BeginsAnewAfterOneThatWasLate) {
  answer(1000, Duration::zero());
  answer(1, kLate);
  EXPECT_FALSE(pace.comes_soon());
  answer(NatsBusPace::kInARow - 1, Duration::zero());
  EXPECT_FALSE(pace.comes_soon());
  answer(1, Duration::zero());
  EXPECT_TRUE(pace.comes_soon());
}

// What comes after the answer to the same question (output, signs of life) is late, too.
TEST_F(NatsBusPaceTest, CountsEachMessageFromTheLastQuestion) {
  answer(NatsBusPace::kInARow, Duration::zero());
  pace.answered(now + kLate);
  EXPECT_FALSE(pace.comes_soon());
}

TEST_F(NatsBusPaceTest, NeverExpectsWhatIsAlwaysLate) {
  answer(1000, kLate);
  EXPECT_FALSE(pace.comes_soon());
}

}  // namespace
}  // namespace reliant::tests

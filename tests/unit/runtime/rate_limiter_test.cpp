#include "runtime/rate_limiter.h"

#include <gtest/gtest.h>

namespace reliant {
namespace {

TEST(RateLimiter, LetsABurstPassThenTheEvenRate) {
  RateLimiter limiter("messages", "LIMIT", 60, 3);
  const UserId user("ann");
  const Instant begin{};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.admit(user, begin).ok()) << i;
  const Status refused = limiter.admit(user, begin);
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(retry_after_of(refused), std::chrono::seconds(1));
  EXPECT_FALSE(limiter.admit(user, begin + std::chrono::seconds(1) - std::chrono::nanoseconds(1)).ok());
  EXPECT_TRUE(limiter.admit(user, begin + std::chrono::seconds(1)).ok());
  EXPECT_FALSE(limiter.admit(user, begin + std::chrono::seconds(1)).ok());
  EXPECT_TRUE(limiter.admit(UserId("bob"), begin).ok());  // each user has its own limit
}

}  // namespace
}  // namespace reliant

#include "adapters/open_files.h"

#include <sys/resource.h>

#include <gtest/gtest.h>

namespace reliant::adapters {
namespace {

TEST(OpenFiles, AreAllThatTheSystemAllowsHoweverFewTheShellHasGiven) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_EQ(allow_all_open_files(), before.rlim_max);
  rlimit now{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace reliant::adapters

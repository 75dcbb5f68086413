#include "base/split.h"

#include <gtest/gtest.h>

namespace reliant {
namespace {

using Parts = std::vector<std::string_view>;

TEST(SplitAtCommas, GivesThePartsWithoutTheirBlanks) {
  EXPECT_EQ(split_at_commas("a, b ,c d"), (Parts{"a", "b", "c d"}));
  EXPECT_EQ(split_at_commas("a,,b"), (Parts{"a", "", "b"}));
  EXPECT_EQ(split_at_commas("a,"), Parts{"a"});
  EXPECT_EQ(split_at_commas(" "), Parts{""});
  EXPECT_EQ(split_at_commas(""), Parts{});
}

}  // namespace
}  // namespace reliant

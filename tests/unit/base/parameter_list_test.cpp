#include "base/parameter_list.h"

#include <gtest/gtest.h>

namespace reliant {
namespace {

TEST(ParameterList, NumbersAllParametersOfAllRows) {
  EXPECT_EQ(parameter_list(2, 3), "($1, $2, $3), ($4, $5, $6)");
  EXPECT_EQ(parameter_list(1, 2), "($1, $2)");
}

TEST(ParameterList, HasABracketARowAlsoOfOneColumn) {
  EXPECT_EQ(parameter_list(1, 1), "($1)");
  EXPECT_EQ(parameter_list(3, 1), "($1), ($2), ($3)");
}

}  // namespace
}  // namespace reliant

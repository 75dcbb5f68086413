#include "expr/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace reliant::expr {
namespace {

bool same(const Value& a, const Value& b) {
  Budget budget(1000);
  return equal(a, b, budget);
}

TEST(Value, IsSmall) { EXPECT_LE(sizeof(Value), 24u); }

TEST(Value, NumbersAreEqualByValueWhateverTheirTypes) {
  EXPECT_TRUE(same(Value::integer(1), Value::unsigned_integer(1)));
  EXPECT_TRUE(same(Value::integer(1), Value::floating(1)));
  EXPECT_FALSE(same(Value::integer(-1), Value::unsigned_integer(std::numeric_limits<std::uint64_t>::max())));
  EXPECT_FALSE(same(Value::floating(std::nan("")), Value::floating(std::nan(""))));
  EXPECT_FALSE(same(Value::integer(1), Value::string("1")));
}

TEST(Value, ComparesIntsWithDoublesAsDoubles) {
  EXPECT_TRUE(*compare(Value::integer(9007199254740993), Value::floating(9007199254740992.0)) == 0);  // 2^53 + 1 is no double
  EXPECT_TRUE(*compare(Value::floating(-0.5), Value::unsigned_integer(0)) < 0);
  EXPECT_TRUE(*compare(Value::integer(1), Value::floating(1.5)) < 0);
  EXPECT_EQ(compare(Value::integer(1), Value::boolean(true)), std::nullopt);
}

TEST(Value, AMapHasOneEntryForKeysThatAreEqualNumbers) {
  Map map;
  EXPECT_TRUE(map.insert(Value::integer(1), Value::string("one")));
  EXPECT_FALSE(map.insert(Value::unsigned_integer(1), Value::string("again")));
  EXPECT_TRUE(map.insert(Value::string("1"), Value::string("text")));
  EXPECT_EQ(map.find(*map_key(Value::floating(1.0)))->as_string(), "one");
  EXPECT_EQ(map_key(Value::floating(1.5)), std::nullopt);
}

TEST(Value, AMapIsOrderedByItsKeys) {
  Map map;
  for (const char* key : {"b", "a", "c"}) map.insert(Value::string(key), Value());
  std::string order;
  for (const auto& [key, value] : map) order += key.as_string();
  EXPECT_EQ(order, "abc");
}

TEST(Value, ComparingASharedTreeEndsWithTheBudget) {
  Value a = Value::list({});
  Value b = Value::list({});
  for (int i = 0; i < 60; ++i) {  // 2^60 leaves in 60 lists
    a = Value::list({a, a});
    b = Value::list({b, b});
  }
  Budget budget(10'000);
  EXPECT_FALSE(equal(a, b, budget));
  EXPECT_TRUE(budget.exhausted());
}

}  // namespace
}  // namespace reliant::expr

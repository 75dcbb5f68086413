#include <gtest/gtest.h>

#include "expression_support.h"

namespace reliant::expr {
namespace {

TEST(WorkflowFunctions, EndsOfAList) {
  EXPECT_EQ(result_of("[first([1, 2]), last([1, 2]), first([]), [3].last()]"), "[1, 2, null, 3]");
}

TEST(WorkflowFunctions, Join) {
  EXPECT_EQ(result_of("join(['a', 'b'], ', ')"), "'a, b'");
  EXPECT_EQ(result_of("['a', 'b'].join()"), "'ab'");
}

TEST(WorkflowFunctions, Json) {
  EXPECT_EQ(result_of(R"(parseJson('{"b": [1, 1.5, null, true], "a": "x"}'))"), "{'a': 'x', 'b': [1, 1.5, null, true]}");
  EXPECT_EQ(result_of("toJson({'b': [1, 2u, 1.5], 'a': null, 1: b'hi'})"), R"('{"1":"aGk=","a":null,"b":[1,2,1.5E0]}')");
  EXPECT_EQ(result_of("parseJson(toJson({'a': [1]})) == {'a': [1]}"), "true");
  EXPECT_EQ(result_of("toJson(1.0 / 0.0)"), "1:1: toJson(): JSON has no number Infinity");
  EXPECT_TRUE(result_of("parseJson('{')").starts_with("1:1: parseJson(): "));
}

TEST(WorkflowFunctions, Defaults) {
  EXPECT_EQ(result_of("coalesce(null, optional.none(), 3)"), "3");
  EXPECT_EQ(result_of("coalesce({}.?a, 'b')"), "'b'");
  EXPECT_EQ(result_of("coalesce({'a': 1}.?a, 2)"), "1");
  EXPECT_EQ(result_of("coalesce(null, null)"), "null");
  EXPECT_EQ(result_of("getOrDefault({'a': 1, 'n': null}, 'a', 0)"), "1");
  EXPECT_EQ(result_of("getOrDefault({'a': 1, 'n': null}, 'n', 0)"), "0");
  EXPECT_EQ(result_of("{}.getOrDefault('b', 'c')"), "'c'");
}

TEST(WorkflowFunctions, DurationsInSeconds) {
  EXPECT_EQ(result_of("parseDuration('1m30s')"), "90.0");
  EXPECT_EQ(result_of("parseDuration('250ms')"), "0.25");
  EXPECT_EQ(result_of("parseDuration('soon')"), "1:1: parseDuration(): 'soon' is no duration (1h30m, 1.5s, 20ms)");
}

}  // namespace
}  // namespace reliant::expr

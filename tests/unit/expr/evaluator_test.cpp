#include "expr/evaluator.h"

#include <gtest/gtest.h>

#include "expression_support.h"

namespace reliant::expr {
namespace {

TEST(Evaluator, AndOrAbsorbErrorsOnEitherSide) {
  EXPECT_EQ(result_of("false && 1 / 0 > 0"), "false");
  EXPECT_EQ(result_of("1 / 0 > 0 && false"), "false");
  EXPECT_EQ(result_of("1 / 0 > 0 || true"), "true");
  EXPECT_EQ(result_of("true && 1 / 0 > 0"), "1:11: divide by zero");
  EXPECT_EQ(result_of("[0, 2].exists(x, 4 / x == 2)"), "true");
  EXPECT_EQ(result_of("[0, 1].exists(x, 4 / x == 2)"), "1:20: divide by zero");
}

TEST(Evaluator, IntegersOverflowLoudly) {
  EXPECT_EQ(result_of("9223372036854775807 + 1"), "1:21: return error for overflow: the result is no 64-bit integer");
  EXPECT_EQ(result_of("0u - 1u"), "1:4: return error for overflow: the result is no 64-bit integer");
  EXPECT_EQ(result_of("-9223372036854775808 / -1"), "1:22: return error for overflow: the result is no 64-bit integer");
  EXPECT_EQ(result_of("7 % 0"), "1:3: modulus by zero");
  EXPECT_EQ(result_of("1.0 / 0.0"), "Infinity");
}

TEST(Evaluator, SaysWhichTypesNoOverloadTakes) {
  EXPECT_EQ(result_of("1 + 'a'"), "1:3: no such overload: + of (int, string)");
  EXPECT_EQ(result_of("2 in 3"), "1:3: no such overload: in of (int, int)");
  EXPECT_EQ(result_of("size(1)"), "1:1: no such overload: size(int)");
  EXPECT_EQ(result_of("[1].all(x, x)"), "1:12: no such overload: the condition of all() is a bool, not a value of type int");
}

TEST(Evaluator, ErrorsHaveTheirPlace) {
  EXPECT_EQ(result_of("{'a': 1}.b"), "1:10: no such key: 'b'");
  EXPECT_EQ(result_of("[1,\n 2][5]"), "2:4: index out of bounds: the list has 2 elements");
  EXPECT_EQ(result_of("nodes.x", {{"node", Value::integer(1)}}), "1:1: undeclared reference to 'nodes'; did you mean 'node'?");
  EXPECT_EQ(result_of("size2([1])"), "1:1: unbound function: size2()");
  EXPECT_EQ(result_of("(1).a"), "1:5: type 'int' does not support field selection");
  EXPECT_EQ(result_of("{1: 1, 1u: 2}"), "1:8: Failed with repeated key: a map has each of its keys once");
}

TEST(Evaluator, OptionalsChain) {
  Map inner;
  inner.insert(Value::string("y"), Value::integer(7));
  Map nodes;
  nodes.insert(Value::string("x"), Value::map(inner));
  const Variables variables{{"nodes", Value::map(nodes)}};
  EXPECT_EQ(result_of("nodes.?x.y.orValue(0)", variables), "7");
  EXPECT_EQ(result_of("nodes.?z.y.orValue(0)", variables), "0");
  EXPECT_EQ(result_of("nodes.?x.z.orValue(0)", variables), "0");
  EXPECT_EQ(result_of("nodes[?'z'].hasValue()", variables), "false");
  EXPECT_EQ(result_of("[?nodes.?x.y, ?nodes.?q, 1]", variables), "[7, 1]");
}

TEST(Evaluator, MacrosHaveTheirOwnVariables) {
  EXPECT_EQ(result_of("[1, 2, 3].filter(x, x > 1).map(x, x * x)"), "[4, 9]");
  EXPECT_EQ(result_of("[3, 1, 2].map(x, x > 1, x + 1)"), "[4, 3]");
  EXPECT_EQ(result_of("{'b': 2, 'a': 1}.map(k, k)"), "['a', 'b']");
  EXPECT_EQ(result_of("{'a': 1}.transformMap(k, v, v + 1)"), "{'a': 2}");
  EXPECT_EQ(result_of("['b', 'a'].transformList(i, v, v + string(i))"), "['b0', 'a1']");
  EXPECT_EQ(result_of("[1].map(x, [2].map(x, x))"), "[[2]]");
  EXPECT_EQ(result_of("x + [1].map(x, x)[0]", {{"x", Value::integer(5)}}), "6");
  EXPECT_EQ(result_of("cel.bind(x, 2, x * x)"), "4");
  EXPECT_EQ(result_of("['ab', 'c'].sortBy(x, size(x))"), "['c', 'ab']");
}

TEST(Evaluator, CountsCharacters) {
  EXPECT_EQ(result_of("size('ä€😀')"), "3");
  EXPECT_EQ(result_of("size(bytes('ä€😀'))"), "9");
  EXPECT_EQ(result_of("'ä€😀'.charAt(2)"), "'😀'");
  EXPECT_EQ(result_of("'ä€😀'.split('')"), "['ä', '€', '😀']");
  EXPECT_EQ(result_of("'ab'.replace('', '-')"), "'-a-b-'");
}

TEST(Evaluator, KnowsTimeZones) {
  EXPECT_EQ(result_of("timestamp('2024-07-01T12:00:00Z').getHours('Europe/Berlin')"), "14");
  EXPECT_EQ(result_of("timestamp('2024-07-01T12:00:00Z').getHours('-01:30')"), "10");
  EXPECT_EQ(result_of("timestamp('2024-07-01T12:00:00Z').getHours('../../etc/passwd')"),
            "1:35: there is no time zone '../../etc/passwd'; write Europe/Berlin, or +02:00");
  EXPECT_EQ(result_of("timestamp('2024-02-30T00:00:00Z')"),
            "1:1: Type conversion error: '2024-02-30T00:00:00Z' is no timestamp (2024-12-31T23:59:59Z)");
  EXPECT_EQ(result_of("string(timestamp('2024-07-01T12:00:00.120+02:00'))"), "'2024-07-01T10:00:00.12Z'");
  EXPECT_EQ(result_of("string(duration('1h30m0.5s'))"), "'5400.5s'");
}

TEST(Evaluator, DoublesAsText) {
  EXPECT_EQ(result_of("[string(1000000.0), string(0.1), string(1e21), string(-0.0), string(1.0 / 0.0)]"),
            "['1000000', '0.1', '1e+21', '-0', 'Infinity']");
}

}  // namespace
}  // namespace reliant::expr

#include "expr/checker.h"

#include <gtest/gtest.h>

#include "expression_support.h"

namespace reliant::expr {
namespace {

Type type(std::string_view text) { return *parse_type(text); }

// The type, or the error's message.
std::string checked(std::string_view source) {
  Environment environment;
  environment.variables = {{"inputs", type("map(string, dyn)")},
                           {"count", type("int")},
                           {"names", type("list(string)")},
                           {"nodes", type("dyn")},
                           {"started", type("timestamp")}};
  const auto expression = Expression::compile(source, environment);
  return expression.ok() ? to_string(expression->type()) : std::string(message_of(expression.status()));
}

TEST(Checker, DeducesTypes) {
  EXPECT_EQ(checked("count + 1"), "int");
  EXPECT_EQ(checked("names.map(n, size(n))"), "list(int)");
  EXPECT_EQ(checked("{'a': count}"), "map(string, int)");
  EXPECT_EQ(checked("started + duration('1h') > started"), "bool");
  EXPECT_EQ(checked("inputs.anything"), "dyn");
  EXPECT_EQ(checked("nodes.x.y + 1"), "int");
  EXPECT_EQ(checked("nodes.?x.y"), "optional_type(dyn)");
  EXPECT_EQ(checked("names[?0].orValue('')"), "string");
  EXPECT_EQ(checked("[1, 'a']"), "list(dyn)");
  EXPECT_EQ(checked("[[], [1]]"), "list(list(int))");
  EXPECT_EQ(checked("first(names)"), "string");
  EXPECT_EQ(checked("names.transformMapEntry(i, n, {n: i})"), "map(string, int)");
  EXPECT_EQ(checked("cel.bind(x, names, x.size())"), "int");
}

TEST(Checker, NamesTheNearestNameThatExists) {
  EXPECT_EQ(checked("cuont + 1"), "1:1: undeclared reference to 'cuont'; did you mean 'count'?");
  EXPECT_EQ(checked("names.map(name, nmae)"), "1:17: undeclared reference to 'nmae'; did you mean 'name'?");
  EXPECT_EQ(checked("1 +\n  sise(names)"), "2:3: there is no function 'sise'; did you mean 'size'?");
}

TEST(Checker, ProposesNothingWhereNothingIsNear) {
  EXPECT_EQ(checked("frobnicate(1)"), "1:1: there is no function 'frobnicate'");
}

TEST(Checker, SaysWhatWasExpected) {
  EXPECT_EQ(checked("count + 'a'"), "1:7: found no matching overload: '+' does not take (int, string)");
  EXPECT_EQ(checked("names.contains('a')"),
            "1:7: found no matching overload for contains applied to (list(string), string); expected string.contains(string)");
  EXPECT_EQ(checked("count ? 1 : 2"), "1:1: expected a bool before '?', found int");
  EXPECT_EQ(checked("true && count"), "1:9: expected a bool beside '&&', found int");
  EXPECT_EQ(checked("count.a"), "1:7: expected a map, found int, which has no field 'a'");
  EXPECT_EQ(checked("names['a']"), "1:6: expected an int as the index of a list, found string");
  EXPECT_EQ(checked("names.filter(n, n)"), "1:17: expected a bool as the condition, found string");
  EXPECT_EQ(checked("count.map(c, c)"), "1:1: expected a list or a map to go over, found int");
  EXPECT_EQ(checked("{names: 1}"), "1:2: expected a bool, an int, a uint or a string as a key, found list(string)");
}

TEST(Checker, AnExpressionOfManyTypesIsCheckedInItsSize) {
  std::string chain = "1 == 1";
  for (int i = 0; i < 5000; ++i) chain += " && 1 == 1";
  EXPECT_EQ(checked(chain), "bool");
  std::string nested = "[1]";
  for (int i = 0; i < 100; ++i) nested += ".map(x, [x])";
  EXPECT_TRUE(checked(nested).starts_with("list(list("));
}

}  // namespace
}  // namespace reliant::expr

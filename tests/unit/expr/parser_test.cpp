#include "expr/parser.h"

#include <gtest/gtest.h>

#include "expression_support.h"

namespace reliant::expr {
namespace {

std::string error_of(std::string_view source) { return std::string(message_of(parse(source).status())); }

TEST(Parser, KnowsPrecedence) {
  EXPECT_EQ(result_of("1 + 2 * 3 - 4 / 2"), "5");
  EXPECT_EQ(result_of("10 - 3 - 2"), "5");
  EXPECT_EQ(result_of("true || false && false"), "true");
  EXPECT_EQ(result_of("1 < 2 == true"), "true");
  EXPECT_EQ(result_of("false ? 1 : true ? 2 : 3"), "2");
  EXPECT_EQ(result_of("!false && !!true"), "true");
  EXPECT_EQ(result_of("-[1][0]"), "-1");
  EXPECT_EQ(result_of("2 -1"), "1");
  EXPECT_EQ(result_of("1 in [1, 2] && !(3 in [1, 2])"), "true");
}

TEST(Parser, SaysWhatWasExpectedAndWhatIsThere) {
  EXPECT_EQ(error_of(""), "1:1: expected an expression, found the end of the expression");
  EXPECT_EQ(error_of("1 +"), "1:4: expected an expression, found the end of the expression");
  EXPECT_EQ(error_of("(1"), "1:3: expected ')', found the end of the expression");
  EXPECT_EQ(error_of("[1 2]"), "1:4: expected ',' or ']', found '2'");
  EXPECT_EQ(error_of("{'a' 1}"), "1:6: expected ':', found '1'");
  EXPECT_EQ(error_of("a b"), "1:3: expected an operator or the end of the expression, found 'b'");
  EXPECT_EQ(error_of("a ? b"), "1:6: expected ':', found the end of the expression");
  EXPECT_EQ(error_of("while"), "1:1: 'while' is a reserved word, and no name");
  EXPECT_EQ(error_of("a.in"), "1:3: expected the name of a field or function, found 'in'");
}

TEST(Parser, SaysHowAMacroIsWritten) {
  EXPECT_EQ(error_of("has(a)"), "1:5: has() takes the selection of a field: has(a.b)");
  EXPECT_EQ(error_of("[1].all(1, true)"), "1:9: the variable of all() is a simple name");
  EXPECT_EQ(error_of("[1].all(a, a, true)"), "1:12: the variables of all() have the same name 'a'");
}

TEST(Parser, TakesReservedAndQuotedWordsAsFields) {
  EXPECT_EQ(result_of("{'for': 1}.for"), "1");
  EXPECT_EQ(result_of("{'a-b': 1}.`a-b`"), "1");
}

TEST(Parser, WithoutMacrosAMacroIsACall) {
  ParseOptions options;
  options.macros = false;
  EXPECT_TRUE(parse("has(a)", options).ok());
}

}  // namespace
}  // namespace reliant::expr

#include "expr/lexer.h"

#include <gtest/gtest.h>

#include "expression_support.h"

namespace reliant::expr {
namespace {

std::string error_of(std::string_view source) { return std::string(message_of(tokenize(source).status())); }

TEST(Lexer, CountsLinesAndCharacters) {
  const auto tokens = tokenize("'ä€😀' +\n  b");
  ASSERT_TRUE(tokens.ok());
  ASSERT_EQ(tokens->size(), 4u);
  EXPECT_EQ((*tokens)[1].position, (Position{1, 7}));
  EXPECT_EQ((*tokens)[2].position, (Position{2, 3}));
}

TEST(Lexer, ReadsEveryKindOfString) {
  EXPECT_EQ(result_of(R"('a\tb')"), "'a\tb'");
  EXPECT_EQ(result_of(R"(r'a\tb')"), "'a\\tb'");
  EXPECT_EQ(result_of("'''a\n'b' '''"), "'a\n'b' '");
  EXPECT_EQ(result_of(R"("\u00e9\U0001F600\x41\101")"), "'é😀AA'");
  EXPECT_EQ(result_of(R"(b'\xff' == b'\377')"), "true");
  EXPECT_EQ(result_of(R"(bR'\x')"), "b'\\x'");
}

TEST(Lexer, ReadsNumbers) {
  EXPECT_EQ(result_of("[0x1F, -0x10, 7u, 0xFFu, 1.5, .5, 1e3, 1E-2]"), "[31, -16, 7u, 255u, 1.5, 0.5, 1000.0, 0.01]");
  EXPECT_EQ(result_of("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(result_of("9223372036854775808"), "1:1: 9223372036854775808 is no 64-bit int");
  EXPECT_EQ(result_of("-1e400"), "1:2: -1e400 is no double");
  EXPECT_EQ(result_of("[-1e-400, double('1e-400')]"), "[-0.0, 0.0]");
  EXPECT_EQ(result_of("18446744073709551616u"), "1:1: 18446744073709551616 is no 64-bit uint");
}

TEST(Lexer, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of("a = b"), "1:3: '=' is no operator; compare with '=='");
  EXPECT_EQ(error_of("a & b"), "1:3: '&' is no operator; a logical and is '&&'");
  EXPECT_EQ(error_of("a +\n #"), "2:2: unexpected character '#'");
  EXPECT_EQ(error_of("'abc"), "1:1: the string has no closing '");
  EXPECT_EQ(error_of("'a\nb'"), "1:1: the string has no closing '");
  EXPECT_EQ(error_of(R"('\q')"), R"(1:2: this escape sequence does not exist; a backslash is written \\)");
  EXPECT_EQ(error_of(R"('\ud800')"), "1:2: the escape sequence names no character");
  EXPECT_EQ(error_of("'\xff'"), "1:1: the string is not UTF-8; bytes are written b'…'");
  EXPECT_EQ(error_of("12abc"), "1:3: unexpected 'a' after the number 12");
}

TEST(Lexer, EndsAtTheMarkOutsideOfStringsAndBrackets) {
  const std::string_view text = "{'a': {'}}': 1}} }} rest";
  const auto tokens = tokenize(text, {0, {1, 1}, "}}"});
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(text.substr(tokens->back().offset), "}} rest");
}

}  // namespace
}  // namespace reliant::expr

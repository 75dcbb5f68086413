#include <gtest/gtest.h>

#include "expression_support.h"

namespace reliant::expr {
namespace {

std::string repeated(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

Status parse_status(const std::string& source) { return Expression::parse(source).status(); }

// What each evaluation costs, within the limit or not.
Status evaluation_status(std::string_view source, std::uint64_t cost = kDefaultCost) {
  const auto expression = Expression::parse(source);
  return expression.ok() ? expression->evaluate({}, cost).status() : expression.status();
}

TEST(Limits, OfTheSource) {
  ParseOptions options;
  options.max_bytes = 10;
  EXPECT_TRUE(parse("1234567890", options).ok());
  EXPECT_EQ(message_of(parse("12345678901", options).status()), "1:1: the expression has 11 bytes; the limit is 10");
}

TEST(Limits, OfTheDepthOfBrackets) {
  EXPECT_TRUE(parse_status(repeated("(", 200) + "1" + repeated(")", 200)).ok());
  const Status status = parse_status(repeated("(", 60'000));
  EXPECT_EQ(message_of(status), "1:251: the expression is nested deeper than 250 levels; split it");
}

TEST(Limits, OfTheDepthOfTheTree) {
  for (const std::string& source : {"a" + repeated(".b", 20'000), "1" + repeated(" + 1", 10'000),
                                    repeated("!", 60'000) + "true", repeated("- ", 30'000) + "1", "a" + repeated("[0]", 20'000),
                                    repeated("[", 60'000), repeated("true ? 1 : ", 5'000) + "1", repeated("{1:", 20'000)}) {
    const Status status = parse_status(source);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(message_of(status).find("nested deeper than 250 levels"), std::string::npos) << message_of(status);
  }
}

TEST(Limits, ALongChainOfAndOrIsNotDeep) {
  EXPECT_EQ(result_of("true" + repeated(" && true", 5'000)), "true");
  EXPECT_EQ(result_of("false" + repeated(" || false", 5'000)), "false");
}

TEST(Limits, OfTheCost) {
  EXPECT_TRUE(evaluation_status("lists.range(100).map(x, x * x).size() == 100").ok());
  for (const std::string_view source : {
           "lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, true)))",
           "lists.range(1000000).map(x, x).size() > 0",
           "lists.range(3000).map(x, string(x)).join('-').split('').map(x, x + x).distinct().size() > 0 && "
           "lists.range(3000).distinct().size() > 0",
       }) {
    const Status status = evaluation_status(source);
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << source;
    EXPECT_TRUE(message_of(status).starts_with("1:")) << message_of(status);
  }
}

// Each doubles its value, sixty times.
TEST(Limits, OfTheSizeOfValues) {
  const auto doubled = [](std::string_view first, std::string_view twice) {
    std::string out = std::string(first);
    for (int i = 0; i < 60; ++i) out = "cel.bind(x, " + out + ", " + std::string(twice) + ")";
    return out;
  };
  for (const std::string& source :
       {doubled("'0123456789'", "x + x"), doubled("[1]", "x + x"), doubled("b'0'", "x + x"),
        doubled("'aa'", "x.replace('a', 'aa')"), doubled("'a'", "[x, x].join()"), doubled("[[1]]", "[x, x].flatten()"),
        doubled("'a'", "'%s%s'.format([x, x])"), doubled("[1]", "[x, x]") + " == " + doubled("[1]", "[x, x]"),
        "toJson(" + doubled("[1]", "[x, x]") + ")", "'%s'.format([" + doubled("[1]", "[x, x]") + "])"})
    EXPECT_EQ(evaluation_status(source).code(), StatusCode::kResourceExhausted) << source;
}

TEST(Limits, ASpentBudgetIsNoErrorThatOrAbsorbs) {
  EXPECT_EQ(evaluation_status("lists.range(1000).all(x, lists.range(1000).exists(y, y < 0)) || true", 500).code(),
            StatusCode::kResourceExhausted);
}

TEST(Limits, AHostileRegularExpressionIsRefusedOrLinear) {
  EXPECT_EQ(result_of("('" + repeated("a", 5000) + "b').matches('(a*)*c')"), "false");
  const std::string refused = result_of("'a'.matches('((a{100}){100}){100}')");
  EXPECT_NE(refused.find("is no regular expression"), std::string::npos) << refused;
}

TEST(Limits, CompilingARegularExpressionCostsWhatItsProgramIsLong) {
  EXPECT_EQ(evaluation_status("lists.range(1000).all(x, 'a'.matches('(a{30}){30}b{' + string(x % 30) + '}|a'))").code(),
            StatusCode::kResourceExhausted);
  EXPECT_TRUE(evaluation_status("lists.range(1000).all(x, 'a'.matches('^a+$'))").ok());
}

}  // namespace
}  // namespace reliant::expr

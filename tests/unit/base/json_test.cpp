#include "base/json.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace reliant {
namespace {

// It would be written as "Infinity", and a chat with it could not be read back.
TEST(Json, RefusesNumbersThatNoJsonCanSay) {
  for (const char* text : {"1e999", "[-1e999]", R"({"a":{"b":[1,1e400]}})"}) {
    const auto value = parse_json(text);
    EXPECT_EQ(value.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_NE(message_of(value.status()).find("too large"), std::string::npos) << value.status();
  }
  EXPECT_TRUE(parse_json("[1.7e308, -1.7e308, 1e-999]").ok());
}

TEST(Json, CountsAreNotNegative) {
  const json::value value = *parse_json(R"({"a":-1,"b":2})");
  JsonReader reader(value);
  EXPECT_EQ(reader.required_count("b"), 2u);
  EXPECT_EQ(reader.optional_count("c"), std::nullopt);
  EXPECT_TRUE(reader.finish_ignoring_unknown().ok());
  EXPECT_EQ(reader.optional_count("a"), std::nullopt);
  EXPECT_EQ(message_of(reader.finish()), "field \"a\" is -1; send a whole number, 0 or more");
}

TEST(Yaml, RefusesBytesThatAreNotUtf8) {
  EXPECT_EQ(message_of(parse_yaml("a: b\nc: \xff\n", "f.yaml").status()),
            "f.yaml:2: holds bytes that are not UTF-8; save the file as UTF-8");
  EXPECT_TRUE(parse_yaml("a: \xC3\xBC", "f.yaml").ok());
}

TEST(Yaml, InfinityIsNoNumber) {
  const auto node = parse_yaml("[nan, inf, -infinity, 1e999, 1.5]", "f.yaml");
  ASSERT_TRUE(node.ok());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(node->items[i].as_double().ok()) << node->items[i].scalar;
  EXPECT_EQ(*node->items[4].as_double(), 1.5);
}

}  // namespace
}  // namespace reliant

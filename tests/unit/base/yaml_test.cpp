// parse_yaml alone; tests/conformance/yaml gives it the documents of others.
#include "base/yaml.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"

namespace reliant {
namespace {

std::string refusal(std::string_view text) {
  const auto node = parse_yaml(text, "f.yaml");
  EXPECT_EQ(node.status().code(), StatusCode::kInvalidArgument) << text.substr(0, 200);
  return std::string(message_of(node.status()));
}

std::string repeated(std::string_view part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

YamlNode parsed(std::string_view text) {
  auto node = parse_yaml(text, "f.yaml");
  EXPECT_TRUE(node.ok()) << node.status();
  return node.ok() ? *std::move(node) : YamlNode();
}

TEST(Yaml, ANodeKnowsItsPlace) {
  const YamlNode root = parsed("# a comment\na: 1\nb:\n  - x\n  - {c: [y]}\n");
  EXPECT_EQ(root.line, 2);
  const YamlNode* list = root.find("b");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->line, 3);  // of its key
  EXPECT_EQ(list->column, 1);
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[0].line, 4);
  EXPECT_EQ(list->items[0].column, 5);
  EXPECT_EQ(message_of(list->items[1].find("c")->items[0].error("x")), "f.yaml:5:10: x");
}

TEST(Yaml, TheColumnIsThatOfTheQuoteOrTheStar) {
  const YamlNode root = parsed("x: &a 1\nlist: [ 'b', \"c\", *a ]\n'd': e\n");
  const auto& items = root.find("list")->items;
  EXPECT_EQ(items[0].column, 9);
  EXPECT_EQ(items[1].column, 14);
  EXPECT_EQ(items[2].column, 19);
  EXPECT_EQ(root.find("d")->column, 1);
}

TEST(Yaml, KnowsWhatIsNullAndWhatIsQuoted) {
  const YamlNode root = parsed("- ~\n- null\n- Null\n- NULL\n- ''\n- \"null\"\n- 'a'\n- b\n- |-\n  c\n");
  ASSERT_EQ(root.items.size(), 9u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(root.items[i].kind, YamlNode::Kind::kNull) << i;
  for (const std::size_t i : {4u, 5u, 6u, 8u}) EXPECT_TRUE(root.items[i].quoted) << i;
  EXPECT_FALSE(root.items[7].quoted);
  for (const char* text : {"", "# nothing\n", "---\n", "\xEF\xBB\xBF"})
    EXPECT_EQ(parsed(text).kind, YamlNode::Kind::kNull) << text;
  EXPECT_EQ(parsed("").line, 1);
}

TEST(Yaml, AnAliasIsWhatItsAnchorNames) {
  const YamlNode root = parsed("a: &x {k: &y [1, 2]}\nb: *x\nc: [*y]\n&key d: e\nf: *key\nh: {*key : g}\n");
  EXPECT_EQ(root.find("b")->find("k")->items.size(), 2u);
  EXPECT_EQ(root.find("b")->line, 2);
  EXPECT_EQ(root.find("c")->items[0].items[1].scalar, "2");
  EXPECT_EQ(root.find("c")->items[0].line, 3);
  EXPECT_EQ(root.find("f")->scalar, "d");
  EXPECT_EQ(root.find("h")->find("d")->scalar, "g");
  EXPECT_EQ(refusal("a: *x"), "f.yaml:1:4: the alias \"*x\" names no anchor; write \"&x\" before a value above it");
  EXPECT_EQ(refusal("a: &x\n  b: [*x]\n"),
            "f.yaml:2:7: the alias \"*x\" is part of the value that \"&x\" names; a value cannot hold itself");
}

TEST(Yaml, AliasesThatExpandWithoutBoundAreRefused) {
  std::string values = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    const std::string before = concat("*a", i - 1, ",");
    append(values, concat("a", i, ": &a", i, " [", repeated(before, 10), "]\n"));
  }
  EXPECT_NE(refusal(values).find("more than 100000 values"), std::string::npos);
  const std::string bytes = concat("a: &a \"", repeated("x", 100'000), "\"\nb: [", repeated("*a, ", 200), "]\n");
  EXPECT_NE(refusal(bytes).find("each alias replaced"), std::string::npos);
  std::string depth = "a0: &a0 [x]\n";
  for (int i = 1; i < 80; ++i) append(depth, concat("a", i, ": &a", i, " [*a", i - 1, "]\n"));
  EXPECT_NE(refusal(depth).find("nested more than 64 levels deep"), std::string::npos);
}

TEST(Yaml, SizeAndDepthAreBounded) {
  EXPECT_TRUE(parse_yaml(concat(repeated("[", 64), repeated("]", 64)), "f.yaml").ok());
  EXPECT_EQ(refusal(concat(repeated("[", 65), repeated("]", 65))), "f.yaml:1:65: nested more than 64 levels deep");
  EXPECT_EQ(refusal(repeated("- ", 100'000)), "f.yaml:1:129: nested more than 64 levels deep");
  EXPECT_EQ(refusal(repeated(" ", (8 << 20) + 1)), "f.yaml:1: has 8388609 bytes; at most 8388608 are read: split the file");
  EXPECT_NE(refusal(concat("[", repeated("a,", 100'000), "]")).find("more than 100000 values"), std::string::npos);
  EXPECT_EQ(refusal(concat("a", repeated("\n", 2'000), " b")),
            "f.yaml:1001:1: more than 1000 blank lines in a row; remove them");
  for (const char* line : {"\n \t", "\r", "\r\n"})
    EXPECT_NE(refusal(concat("a", repeated(line, 2'000), " b")).find("blank lines"), std::string::npos);
  EXPECT_TRUE(parse_yaml(concat("a:", repeated("\r\n", 900), " b"), "f.yaml").ok());
}

TEST(Yaml, RefusesWhatItsReadersCannotMean) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a: 1\nb: 2\na: 3", "f.yaml:3:1: key \"a\" is given twice"},
      {"{a: 1, \"a\": 2}", "f.yaml:1:8: key \"a\" is given twice"},
      {"[a]: 1", "f.yaml:1:1: a key must be plain text: \"key: value\""},
      {"~: 1", "f.yaml:1:1: a key must be plain text: \"key: value\""},
      {"--- a\n--- b\n", "f.yaml:2:1: a second document begins here; a file holds one: remove the \"---\", or split the file"},
      {"a: !!str 1", "f.yaml:1:4: the value has a tag (\"!...\"); types are known from the keys: remove the tag"},
      {std::string("a: b\0c", 6), "f.yaml:1:5: control character 0; write it as an escape in \"double quotes\""},
      {"a:\n b\x1B", "f.yaml:2:3: control character 27; write it as an escape in \"double quotes\""},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(refusal(text), message) << text;
}

TEST(Yaml, SaysWhatWasExpectedAndWhatIsStillOpen) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a: {b: 1\n", "f.yaml:2:1: missing comma in flow mapping: expected \",\" or \"}\" (in the map that begins at 1:4)"},
      {"a: b: c",
       "f.yaml:1:5: invalid nested block mapping on the same line: expected one \": \" on a line; quote a value that has "
       "one (in the map that begins at 1:1)"},
      {"a: \"x",
       "f.yaml:1:5: double-quoted scalar without closing quote: expected the closing quote (in the map that begins at 1:1)"},
      {"a:\n\t- b",
       "f.yaml:2:1: tab character may not be used as indentation: expected blanks; YAML has no tabs there (in the map "
       "that begins at 1:1)"},
      {"a: @b",
       "f.yaml:1:4: plain scalar cannot start with '@': expected a value; quote one that begins with a special character "
       "(in the map that begins at 1:1)"},
      {"--- |0\n",
       "f.yaml:1:1: invalid indicator of a block scalar: expected \"|\" or \">\" and then the text, indented, on the "
       "lines after it"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(refusal(text), message) << text;
}

}  // namespace
}  // namespace reliant

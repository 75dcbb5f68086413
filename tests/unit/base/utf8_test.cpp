#include "base/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/json.h"
#include "base/text.h"

namespace reliant {
namespace {

const std::string kBroken[] = {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF\xFE", "plain\xE2(x"};

TEST(Utf8, LeavesWellFormedTextAlone) {
  for (const std::string text : {"", "plain\n", "zażółć", "漢字", "😀 \u07FF\uFFFD", "long enough for words of eight bytes"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
    EXPECT_EQ(text_from_bytes(text), text);
  }
}

TEST(Utf8, ReplacesEveryBrokenByte) {
  EXPECT_EQ(text_from_bytes("a\xff"
                            "b"),
            "a\uFFFDb");
  EXPECT_EQ(text_from_bytes("\xC0\xAF"), "\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(text_from_bytes("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(text_from_bytes("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(text_from_bytes("\xE2\x82"), "\uFFFD\uFFFD");  // cut off
  EXPECT_EQ(text_from_bytes("\xE2(x"), "\uFFFD(x");
  for (const std::string& bytes : kBroken) EXPECT_FALSE(is_valid_utf8(bytes)) << text_from_bytes(bytes);
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(text_from_bytes("xéé", 4), "xé");
  EXPECT_EQ(text_from_bytes("xéé", 5), "xéé");
  EXPECT_EQ(text_from_bytes("\xff\xff\xff", 4), "\uFFFD");
  EXPECT_EQ(text_from_bytes("漢字", 2), "");
  EXPECT_EQ(text_from_bytes("plain", 0), "");
}

RC_GTEST_PROP(Utf8, IsValidAndBoundedForAnyBytes, (const std::string& bytes)) {
  const auto limit = *rc::gen::inRange<std::size_t>(0, 40);
  std::string mixed;
  for (const char c : bytes) mixed += concat("aé", c, "漢😀");
  const std::string text = text_from_bytes(mixed, limit);
  RC_ASSERT(is_valid_utf8(text));
  RC_ASSERT(text.size() <= limit);
  RC_ASSERT(text_from_bytes(mixed).starts_with(text));
}

RC_GTEST_PROP(Utf8, GivesTheSameForAnyWayToCutTheStream, (const std::string& bytes)) {
  std::string mixed;
  for (const char c : bytes) mixed += concat("é漢", c, "😀");
  Utf8Stream stream;
  std::string pieces;
  for (std::size_t at = 0; at < mixed.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 6);
    pieces += stream.feed(std::string_view(mixed).substr(at, size));
    at += size;
  }
  pieces += stream.finish();
  RC_ASSERT(pieces == text_from_bytes(mixed));
  RC_ASSERT(is_valid_utf8(pieces));
}

TEST(ToJson, IsValidTextWhateverTheStringsHold) {
  for (const std::string& bytes : kBroken) {
    const std::string text = to_json(json::object{{"error", bytes}, {bytes, "key"}});
    EXPECT_TRUE(is_valid_utf8(text));
    const auto parsed = parse_json(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(std::string(parsed->at("error").as_string()), text_from_bytes(bytes));
  }
}

}  // namespace
}  // namespace reliant

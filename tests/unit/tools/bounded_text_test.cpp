#include "tools/bounded_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.h"

namespace reliant::tools {
namespace {

TEST(ValidUtf8, LeavesWellFormedTextAlone) {
  for (const std::string text : {"", "plain\n", "zażółć", "漢字", "😀 \u07FF\uFFFD"})
    EXPECT_EQ(valid_utf8(text), text);
}

TEST(ValidUtf8, ReplacesEveryBrokenByte) {
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a\uFFFDb");
  EXPECT_EQ(valid_utf8("\xC0\xAF"), "\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("\xE2\x82"), "\uFFFD\uFFFD");  // cut off
  EXPECT_EQ(valid_utf8("\xE2(x"), "\uFFFD(x");
}

RC_GTEST_PROP(ValidUtf8, GivesTheSameForAnyWayToCutTheStream, (const std::string& bytes)) {
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
  RC_ASSERT(pieces == valid_utf8(mixed));
  RC_ASSERT(valid_utf8(pieces) == pieces);
}

TEST(HeadAndTail, KeepsAShortTextWhole) {
  HeadAndTail text(100);
  EXPECT_TRUE(text.empty());
  for (int i = 0; i < 10; ++i) text.add("123456789\n");
  EXPECT_EQ(text.text().size(), 100u);
  EXPECT_EQ(text.text().find("left out"), std::string::npos);
}

TEST(HeadAndTail, SaysHowMuchOfALongTextIsMissing) {
  HeadAndTail text(100);
  for (int i = 0; i < 1000; ++i) text.add(concat(10'000 + i, "\n"));
  const std::string kept = text.text();
  EXPECT_TRUE(kept.starts_with("10000\n10001\n"));
  EXPECT_TRUE(kept.ends_with("10998\n10999\n"));
  EXPECT_NE(kept.find("[... 5900 bytes (983 lines) left out ...]"), std::string::npos) << kept;
}

RC_GTEST_PROP(HeadAndTail, IsBoundedAndNeverCutsACharacter, (const std::vector<std::string>& pieces)) {
  HeadAndTail text(40);
  std::size_t size = 0;
  for (const std::string& piece : pieces) {
    const std::string clean = valid_utf8(piece + "漢");
    text.add(clean);
    size += clean.size();
  }
  const std::string kept = text.text();
  RC_ASSERT(valid_utf8(kept) == kept);
  RC_ASSERT(kept.size() < 40 + 80);
  if (size <= 40) RC_ASSERT(kept.size() == size);
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("short", 5), "short");
  EXPECT_EQ(shortened("漢字", 4), "漢[... 3 bytes more]");
}

}  // namespace
}  // namespace reliant::tools

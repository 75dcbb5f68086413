#include "tools/bounded_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.h"
#include "base/utf8.h"

namespace reliant::tools {
namespace {

TEST(HeadAndTail, KeepsAShortTextWhole) {
  HeadAndTail text(100);
  EXPECT_TRUE(text.empty());
  for (int i = 0; i < 10; ++i) text.add("123456789\n");
  EXPECT_EQ(text.text().size(), 100u);
  EXPECT_EQ(text.text().find("left out"), std::string::npos);
}

TEST(HeadAndTail, ReportsTheOmittedSizeOfALongText) {
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
    const std::string clean = text_from_bytes(piece + "漢");
    text.add(clean);
    size += clean.size();
  }
  const std::string kept = text.text();
  RC_ASSERT(text_from_bytes(kept) == kept);
  RC_ASSERT(kept.size() < 40 + 80);
  if (size <= 40) RC_ASSERT(kept.size() == size);
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("short", 5), "short");
  EXPECT_EQ(shortened("漢字", 4), "漢[... 3 bytes more]");
  EXPECT_EQ(shortened("caf\xE9", 5), "caf\uFFFD");
  EXPECT_EQ(shortened(std::string(1000, '\x80'), 2), "\uFFFD\uFFFD[... 998 bytes more]");
}

}  // namespace
}  // namespace reliant::tools

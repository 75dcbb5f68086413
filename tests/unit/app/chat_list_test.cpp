#include "app/chat_list.h"

#include <gtest/gtest.h>

namespace reliant::app {
namespace {

constexpr WallTime kNow(std::chrono::sys_days(std::chrono::year(2026) / 2 / 1).time_since_epoch());

TEST(ChatList, ShowsTheAgeOfAChat) {
  EXPECT_EQ(age_of("2026-01-31T23:59:59.500Z", kNow), "1s");
  EXPECT_EQ(age_of("2026-01-31T23:59:00.000Z", kNow), "1m");
  EXPECT_EQ(age_of("2026-01-31T00:00:01.000Z", kNow), "23h");
  EXPECT_EQ(age_of("2026-01-31T00:00:00.000Z", kNow), "1d");
  EXPECT_EQ(age_of("2026-02-02T00:00:00.000Z", kNow), "0s") << "a clock that is behind";
  EXPECT_EQ(age_of("2026-02-31T00:00:00.000Z", kNow), "?");
  EXPECT_EQ(age_of("", kNow), "?");
}

TEST(ChatList, AlignsItsColumns) {
  EXPECT_EQ(chat_table({}, kNow), "");
  EXPECT_EQ(chat_table({{"chat_1", "running", "2026-01-31T23:59:00.000Z", "fix the build"}, {"chat_22", "idle", "", ""}}, kNow),
            "ID       STATUS   AGE    TITLE\n"
            "chat_1   running  1m     fix the build\n"
            "chat_22  idle     ?\n");
}

TEST(ChatList, TakesTheTitleFromTheFirstLine) {
  EXPECT_EQ(title_of("\n  fix the build\nplease"), "fix the build");
  EXPECT_EQ(title_of(" \n"), "");
  EXPECT_EQ(title_of(std::string(59, 'x') + "äöü"), std::string(59, 'x') + "…") << "cut between two characters";
}

}  // namespace
}  // namespace reliant::app

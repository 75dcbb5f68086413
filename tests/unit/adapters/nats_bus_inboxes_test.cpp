#include "adapters/nats/nats_bus_inboxes.h"

#include <set>

#include <gtest/gtest.h>

#include "base/text.h"

namespace reliant::tests {
namespace {

using adapters::NatsBusInboxes;

class NatsBusInboxesTest : public ::testing::Test, private NatsBusInboxes::Server {
 protected:
  void open_desk(std::uint64_t desk, const std::string& pattern) override {
    EXPECT_EQ(pattern, concat("I.", desk, ".*"));
    opened.insert(desk);
    ++times_opened;
  }
  void close_desk(std::uint64_t desk) override { EXPECT_EQ(opened.erase(desk), 1u); }

  static std::uint64_t desk_of(const std::string& inbox) { return std::stoull(inbox.substr(2)); }

  std::string listened() {
    std::string inbox = inboxes.add();
    EXPECT_TRUE(inboxes.listen(inbox));
    return inbox;
  }

  // An inbox that is asked for so often, and hears something or not.
  std::string used(int times, bool heard) {
    std::string inbox = listened();
    for (int i = 0; i < times; ++i) inboxes.asked(inbox);
    if (heard) inboxes.heard(inbox);
    inboxes.left(inbox);
    return inbox;
  }

  std::set<std::uint64_t> opened;
  int times_opened = 0;
  NatsBusInboxes inboxes{*this, "I"};
};

TEST_F(NatsBusInboxesTest, OneQuestionAfterTheOtherIsServedByOneDesk) {
  std::set<std::string> names;
  for (int i = 0; i < 100; ++i) names.insert(used(1, true));
  EXPECT_EQ(names.size(), 100u);
  EXPECT_EQ(times_opened, 1);
  EXPECT_EQ(opened.size(), 1u);
}

TEST_F(NatsBusInboxesTest, AnInboxThatWasNotAskedForLeavesItsDeskFree) {
  EXPECT_EQ(desk_of(used(0, false)), desk_of(used(0, true)));
  EXPECT_EQ(times_opened, 1);
}

TEST_F(NatsBusInboxesTest, WhatMayStillBeSaidOfAnInboxReachesNoOther) {
  const std::string unanswered = used(1, false);
  const std::string asked_again = used(2, true);
  const std::string next = inboxes.add();
  EXPECT_NE(desk_of(unanswered), desk_of(asked_again));
  EXPECT_NE(desk_of(asked_again), desk_of(next));
  EXPECT_EQ(opened, std::set<std::uint64_t>{desk_of(next)});
  EXPECT_EQ(inboxes.no_responders(desk_of(unanswered)), "");
}

TEST_F(NatsBusInboxesTest, TheWordThatNobodyListensIsTheAnswer) {
  const std::string inbox = inboxes.add();
  inboxes.asked(inbox);
  EXPECT_EQ(inboxes.no_responders(desk_of(inbox)), inbox);
  inboxes.left(inbox);
  EXPECT_EQ(desk_of(inboxes.add()), desk_of(inbox));
}

TEST_F(NatsBusInboxesTest, WhoFindsNoDeskFreeIsServedWithTheOthers) {
  std::string last;
  for (std::size_t i = 0; i < NatsBusInboxes::kDesks; ++i) {
    last = listened();
    EXPECT_TRUE(opened.contains(desk_of(last))) << last;
  }
  const std::string without = inboxes.add();
  EXPECT_EQ(desk_of(without), NatsBusInboxes::kShared);
  EXPECT_TRUE(inboxes.listen(without));
  inboxes.asked(without);
  inboxes.left(without);
  EXPECT_EQ(opened.size(), NatsBusInboxes::kDesks);
  inboxes.left(last);
  EXPECT_EQ(desk_of(inboxes.add()), desk_of(last));
}

// As a name that nobody else has, say.
TEST_F(NatsBusInboxesTest, AnInboxAtWhichNobodyListensKeepsNoDesk) {
  const std::string kept = listened();
  for (std::size_t i = 0; i < 3 * NatsBusInboxes::kDesks; ++i) inboxes.asked(inboxes.add());
  EXPECT_EQ(opened.size(), NatsBusInboxes::kDesks);
  EXPECT_TRUE(opened.contains(desk_of(kept)));
  EXPECT_TRUE(opened.contains(desk_of(listened())));
}

TEST_F(NatsBusInboxesTest, HearsWhatHasADeskAndNothingElse) {
  const std::string inbox = inboxes.add();
  const std::string desk = concat("I.", desk_of(inbox), '.');
  for (const std::string& other : {desk + "77", desk + "*", inbox + ".x", std::string("I.99.1"), std::string("I.0.*"),
                                   std::string("I.0.>"), std::string("I.0.1.2"), std::string("I"), std::string("I."),
                                   std::string("J.1.1"), std::string("1")})
    EXPECT_FALSE(inboxes.listen(other)) << other;
  EXPECT_TRUE(inboxes.listen("I.0.1"));
  inboxes.left(inbox);
  EXPECT_FALSE(inboxes.listen(inbox));
}

TEST_F(NatsBusInboxesTest, AnInboxThatIsUsedAgainTakesAwayItsFormerDesk) {
  const std::string old = used(1, true);
  inboxes.asked(old);
  EXPECT_TRUE(opened.empty());
}

TEST_F(NatsBusInboxesTest, WhatIsSaidOfOneOfTwoIsSaidToNone) {
  const std::string old = used(1, true);
  const std::string now = inboxes.add();
  ASSERT_EQ(desk_of(now), desk_of(old));
  inboxes.asked(now);
  inboxes.asked(old);
  EXPECT_EQ(inboxes.no_responders(desk_of(now)), "");
  inboxes.heard(now);
  inboxes.left(now);
  EXPECT_TRUE(opened.empty());
}

TEST_F(NatsBusInboxesTest, ANewConnectionHasTheSameDesks) {
  const std::string inbox = inboxes.add();
  inboxes.open_all();
  EXPECT_EQ(times_opened, 2);
  EXPECT_EQ(opened, std::set<std::uint64_t>{desk_of(inbox)});
}

}  // namespace
}  // namespace reliant::tests

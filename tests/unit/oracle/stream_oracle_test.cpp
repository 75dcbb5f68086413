#include "oracle/stream_oracle.h"

#include <gtest/gtest.h>

#include "kernel/digest.h"
#include "runtime/random.h"
#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

class Following : public testing::Test {
 protected:
  Following() {
    judged.at(1s);
    judged.record("client.stream.opened", {{"chat", "c"}, {"after", 0}});
    FinalChat& chat = judged.state.chats["c"];
    chat.id = "c";
    chat.last_sequence = 2;
    chat.updates = {{1, "message", "hello"}, {2, "status", "idle"}};
  }
  void see(std::int64_t sequence, std::string_view kind, std::string_view payload) {
    judged.record("client.update", {{"user", "u"},
                                    {"chat", "c"},
                                    {"sequence", sequence},
                                    {"kind", kind},
                                    {"digest", static_cast<std::int64_t>(digest(payload, kHashSeed))},
                                    {"foreign", ""}});
  }
  void turn_ends(std::string_view turn = "t") {
    judged.record("worker.turn.finished", {{"user", "u"}, {"chat", "c"}, {"turn", turn}, {"status", "idle"}});
  }
  Judged<StreamOracle> judged;
};

TEST_F(Following, EveryUpdateOnceAndInOrderPasses) {
  see(1, "message", "hello");
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Following, ReportsAMissingUpdate) {
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "stream.gap stream.equal");
}

TEST_F(Following, ReportsARepeatedUpdate) {
  see(1, "message", "hello");
  see(1, "message", "hello");
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "stream.gap");
}

TEST_F(Following, ReportsAnUpdateThatDiffersFromTheStore) {
  see(1, "message", "hallo");
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "stream.equal");
}

TEST_F(Following, ReportsAGapInTheStore) {
  see(1, "message", "hello");
  see(2, "status", "idle");
  judged.state.chats["c"].updates[1].sequence = 3;
  EXPECT_EQ(judged.complaints(), "stream.stored");
}

TEST_F(Following, ReportsAClientThatHasNotSeenTheEnd) {
  see(1, "message", "hello");
  EXPECT_EQ(judged.complaints(), "stream.complete");
}

TEST_F(Following, ReportsAnEndFoundByPolling) {
  see(1, "message", "hello");
  judged.at(10s);
  turn_ends();
  judged.at(14700ms);
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "stream.prompt");
}

// The next turn has begun, and its tools take their time.
TEST_F(Following, RepeatedEndCountsOnce) {
  for (const std::string_view message : {"t", "t2"}) {
    judged.record("api.message.accepted", {{"user", "u"}, {"chat", "c"}, {"message", message}, {"sequence", 1}});
  }
  see(1, "message", "hello");
  judged.at(10s);
  turn_ends("t");
  turn_ends("t");
  judged.at(22s);
  turn_ends("t2");
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Following, LateEndPassesDuringFaults) {
  judged.record("fault.partition", {{"target", "bus"}, {"other", "all"}, {"lasts_us", 1'000'000}});
  see(1, "message", "hello");
  judged.at(10s);
  turn_ends();
  judged.at(14700ms);
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Following, TurnFollowedByAnotherNeedsNoStatus) {
  for (const char* message : {"m1", "m2"}) {
    judged.record("api.message.accepted", {{"user", "u"}, {"chat", "c"}, {"message", message}, {"sequence", 1}});
  }
  see(1, "message", "hello");
  judged.at(10s);
  turn_ends();
  judged.at(16s);
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Following, DisconnectedClientIsNotJudged) {
  see(1, "message", "hello");
  judged.at(10s);
  turn_ends();
  judged.at(14s);
  judged.record("client.stream.opened", {{"chat", "c"}, {"after", 1}});
  judged.at(14700ms);
  see(2, "status", "idle");
  EXPECT_EQ(judged.complaints(), "");
}

}  // namespace
}  // namespace reliant::sim

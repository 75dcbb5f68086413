#include "oracle/liveness_oracle.h"

#include <gtest/gtest.h>

#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

class Answered : public testing::Test {
 protected:
  Answered() {
    judged.record("client.message.accepted", {{"user", "u"}, {"chat", "c"}, {"message", "m"}, {"sequence", 1}, {"key", "k"}});
    judged.record("client.chat.done", {{"user", "u"}, {"chat", "c"}});
    FinalChat& chat = judged.state.chats["c"];
    chat.id = "c";
    chat.status = "idle";
    chat.messages = {{.id = "m", .sequence = 1, .role = "user"}, {.id = "n", .sequence = 3, .role = "assistant"}};
    chat.updates = {{1, "message", "{}"}, {2, "status", R"({"status":"running"})"}, {3, "message", "{}"},
                    {4, "status", R"({"status":"idle"})"}};
  }
  FinalChat& chat() { return judged.state.chats["c"]; }
  Judged<LivenessOracle> judged;
};

TEST_F(Answered, AMessageWithItsAnswerIsRight) { EXPECT_EQ(judged.complaints(), ""); }

TEST_F(Answered, AMessageThatIsNotKeptIsSeen) {
  chat().messages.erase(chat().messages.begin());
  EXPECT_EQ(judged.complaints(), "store.kept store.once");
}

TEST_F(Answered, AMessageWithoutAnEndIsSeen) {
  chat().updates.pop_back();
  EXPECT_EQ(judged.complaints(), "liveness.answered");
}

TEST_F(Answered, AnEndWithoutAnAnswerIsSeen) {
  chat().messages.pop_back();
  EXPECT_EQ(judged.complaints(), "liveness.answered");
}

TEST_F(Answered, AMessageThatIsThereTwiceIsSeen) {
  chat().messages.push_back({.id = "m2", .sequence = 5, .role = "user"});
  EXPECT_EQ(judged.complaints(), "store.once");
}

}  // namespace
}  // namespace reliant::sim

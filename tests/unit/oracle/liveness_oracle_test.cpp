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
    chat.updates = {{1, "message", "{}"},
                    {2, "status", R"({"status":"running"})"},
                    {3, "message", "{}"},
                    {4, "status", R"({"status":"idle"})"}};
  }
  FinalChat& chat() { return judged.state.chats["c"]; }
  Judged<LivenessOracle> judged;
};

TEST_F(Answered, AnsweredMessagePasses) { EXPECT_EQ(judged.complaints(), ""); }

TEST_F(Answered, ReportsAFailedTurn) {
  judged.record("worker.turn.finished", {{"user", "u"}, {"chat", "c"}, {"turn", "t"}, {"status", "failed"}});
  EXPECT_EQ(judged.complaints(), "liveness.failed");
}

TEST_F(Answered, OneFailedTurnForEachErrorPagePasses) {
  const auto fail = [this](const char* turn) {
    judged.record("worker.turn.finished", {{"user", "u"}, {"chat", "c"}, {"turn", turn}, {"status", "failed"}});
  };
  judged.record("provider.error_page", {{"chat", "c"}, {"status", 400}});
  fail("t");
  fail("t");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Answered, ReportsASecondFailedTurnForOneErrorPage) {
  judged.record("provider.error_page", {{"chat", "c"}, {"status", 400}});
  for (const char* turn : {"t", "u"})
    judged.record("worker.turn.finished", {{"user", "u"}, {"chat", "c"}, {"turn", turn}, {"status", "failed"}});
  EXPECT_EQ(judged.complaints(), "liveness.failed");
}

TEST_F(Answered, ReportsALostMessage) {
  chat().messages.erase(chat().messages.begin());
  EXPECT_EQ(judged.complaints(), "store.kept store.once");
}

TEST_F(Answered, ReportsAnUnansweredMessage) {
  chat().updates.pop_back();
  EXPECT_EQ(judged.complaints(), "liveness.answered");
}

TEST_F(Answered, ReportsAnEndWithoutAnAnswer) {
  chat().messages.pop_back();
  EXPECT_EQ(judged.complaints(), "liveness.answered");
}

TEST_F(Answered, ReportsADuplicateMessage) {
  chat().messages.push_back({.id = "m2", .sequence = 5, .role = "user"});
  EXPECT_EQ(judged.complaints(), "store.once");
}

class WithATool : public Answered {
 protected:
  WithATool() {
    chat().messages = {{.id = "m", .sequence = 1, .role = "user"},
                       {.id = "a", .sequence = 3, .role = "assistant", .content = R"([{"type":"tool_call","id":"k"}])"},
                       {.id = "t", .sequence = 4, .role = "tool", .content = R"([{"type":"tool_result","id":"k"}])"},
                       {.id = "n", .sequence = 5, .role = "assistant"}};
  }
  void kept() { judged.record("gateway.result.kept", {{"request_id", "r"}, {"outcome", "executed"}}); }
  void told() { judged.record("worker.tool.finished", {{"request_id", "r"}, {"outcome", "executed"}}); }
};

TEST_F(WithATool, CallWithAResultPasses) {
  kept();
  judged.at(std::chrono::seconds(30));
  told();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(WithATool, ReportsACallWithoutAResult) {
  chat().messages.erase(chat().messages.begin() + 2);
  EXPECT_EQ(judged.complaints(), "store.paired");
}

TEST_F(WithATool, ReportsASecondResult) {
  chat().messages.push_back(chat().messages[2]);
  EXPECT_EQ(judged.complaints(), "store.once");
}

TEST_F(WithATool, ReportsASecondAnswer) {
  chat().messages.push_back({.id = "n2", .sequence = 6, .role = "assistant"});
  EXPECT_EQ(judged.complaints(), "store.once");
}

TEST_F(WithATool, ReportsALateResult) {
  kept();
  judged.at(std::chrono::seconds(31));
  told();
  EXPECT_EQ(judged.complaints(), "liveness.told");
}

TEST_F(WithATool, LateResultPassesDuringFaults) {
  kept();
  judged.record("fault.crash", {{"target", "worker-1"}, {"other", ""}, {"lasts_us", 10'000'000}});
  judged.at(std::chrono::seconds(100));
  told();
  EXPECT_EQ(judged.complaints(), "");
}

}  // namespace
}  // namespace reliant::sim

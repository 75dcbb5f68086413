#include "oracle/durability_oracle.h"

#include <gtest/gtest.h>

#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

class Durable : public testing::Test {
 protected:
  Durable() {
    judged.record("client.project.created", {{"user", "u"}, {"project", "p"}});
    judged.record("client.chat.created", {{"user", "u"}, {"chat", "c"}});
    judged.record("gateway.result.kept", {{"request_id", "r"}, {"outcome", "executed"}});
    judged.record("daemon.result.acknowledged", {{"request_id", "r"}});
    judged.record("worker.tool.finished",
                  {{"request_id", "r"}, {"user", "u"}, {"chat", "c"}, {"call", "k"}, {"outcome", "executed"}});
    judged.state.projects.insert("p");
    FinalChat& chat = judged.state.chats["c"];
    chat.id = "c";
    chat.user = "u";
    chat.messages.push_back(
        {.id = "m", .sequence = 1, .role = "tool", .content = R"([{"type":"tool_result","id":"k","outcome":"executed"}])"});
    judged.state.executions["r"] = {.request = "r", .state = "done", .outcome = "executed"};
  }
  Judged<DurabilityOracle> judged;
};

TEST_F(Durable, AcknowledgedDataInTheStorePass) { EXPECT_EQ(judged.complaints(), ""); }

TEST_F(Durable, ReportsALostChat) {
  judged.state.chats.clear();
  EXPECT_EQ(judged.complaints(), "durable.chat durable.told");
}

TEST_F(Durable, ReportsALostProject) {
  judged.state.projects.clear();
  EXPECT_EQ(judged.complaints(), "durable.chat");
}

TEST_F(Durable, ReportsAChatWithAnotherOwner) {
  judged.state.chats["c"].user = "v";
  EXPECT_EQ(judged.complaints(), "durable.chat");
}

TEST_F(Durable, ReportsAnAcknowledgementWithoutAWrite) {
  judged.record("daemon.result.acknowledged", {{"request_id", "s"}});
  judged.state.executions["s"] = {.request = "s", .state = "dispatched"};
  EXPECT_EQ(judged.complaints(), "durable.result");
}

TEST_F(Durable, ReportsAnAcknowledgementBeforeTheWrite) {
  judged.record("daemon.result.acknowledged", {{"request_id", "s"}});
  judged.record("gateway.result.kept", {{"request_id", "s"}, {"outcome", "executed"}});
  judged.state.executions["s"] = {.request = "s", .state = "done", .outcome = "executed"};
  EXPECT_EQ(judged.complaints(), "durable.result");
}

TEST_F(Durable, ReportsAChangedResult) {
  judged.state.executions["r"].outcome = "unknown";
  EXPECT_EQ(judged.complaints(), "durable.result durable.told");
}

TEST_F(Durable, ReportsAToolResultMissingInTheChat) {
  judged.state.chats["c"].messages.clear();
  EXPECT_EQ(judged.complaints(), "durable.told");
}

}  // namespace
}  // namespace reliant::sim

#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

using model::UpdateKind;
using store::ToolCallStart;

class ToolCalls : public StoreWorld {
 protected:
  ToolCallStart start_of(const std::string& daemon, model::Effect effect = model::Effect::kNonIdempotent) {
    ToolCallStart start;
    start.request.id = RequestId("r1");
    start.request.user = user_;
    start.request.daemon = DaemonId(daemon);
    start.request.chat = chat_.id;
    start.request.call = ToolCallId("t1");
    start.request.tool = "bash";
    start.request.arguments = "{}";
    start.request.effect = effect;
    start.stream = {"m1/1/0"};
    start.started = {UpdateKind::kToolStarted, R"({"id":"t1"})", 0};
    return start;
  }
  store::ToolCallState state() { return value(store().tool_calls().find(user_, chat_.id, "m1/1/0", RequestId("r1"), soon())); }
  std::vector<store::AuditEntry> audit() { return value(store().audit().list(user_, {}, soon())).items; }

  store::Chat chat_ = make_chat();
};

TEST_F(ToolCalls, AreFoundWithTheirContext) {
  EXPECT_EQ(state().working_directory, "/home/ann");
  EXPECT_TRUE(state().chosen.empty());
  EXPECT_FALSE(state().execution);
  EXPECT_FALSE(state().told);
  value(store().chats().update(user_, chat_.id, {.active_daemon = DaemonId("d7")}, soon()));
  EXPECT_EQ(state().chosen, DaemonId("d7"));
  EXPECT_EQ(error(store().tool_calls().find(UserId("bob"), chat_.id, "m1/1/0", RequestId("r1"), soon())).code(),
            StatusCode::kNotFound);
}

TEST_F(ToolCalls, AreRecordedAuditedAndAnnouncedAtOnce) {
  const auto started = value(store().tool_calls().start(start_of("d1"), soon()));
  EXPECT_EQ(started.execution.request, start_of("d1").request);
  ASSERT_EQ(updates(chat_.id).size(), 1u);
  EXPECT_EQ(updates(chat_.id)[0].kind, UpdateKind::kToolStarted);
  EXPECT_EQ(started.last_sequence, 1u);
  ASSERT_TRUE(state().execution);
  EXPECT_EQ(state().execution->request, start_of("d1").request);
  ASSERT_EQ(audit().size(), 1u);
  EXPECT_EQ(audit()[0].action, "tool.requested");
}

TEST_F(ToolCalls, KeepTheDaemonThatWasChosenFirst) {
  EXPECT_EQ(value(store().tool_calls().start(start_of("d1"), soon())).execution.request.daemon, DaemonId("d1"));
  EXPECT_EQ(value(store().tool_calls().start(start_of("d2"), soon())).execution.request.daemon, DaemonId("d1"));
  EXPECT_EQ(updates(chat_.id).size(), 1u);
  EXPECT_EQ(audit().size(), 1u);
  auto foreign = start_of("d1");
  foreign.request.user = UserId("bob");
  EXPECT_EQ(error(store().tool_calls().start(std::move(foreign), soon())).code(), StatusCode::kPermissionDenied);
}

TEST_F(ToolCalls, ReadOnlyCallsLeaveNoRow) {
  value(store().tool_calls().start(start_of("d1", model::Effect::kReadOnly), soon()));
  value(store().tool_calls().start(start_of("d1", model::Effect::kReadOnly), soon()));
  EXPECT_FALSE(state().execution);
  EXPECT_EQ(audit().size(), 1u);
  value(store().tool_calls().start(start_of("d2", model::Effect::kReadOnly), soon()));
  EXPECT_EQ(audit().size(), 2u);
  EXPECT_EQ(updates(chat_.id).size(), 1u);
}

TEST_F(ToolCalls, EndWhenTheConversationHasTheirResult) {
  value(store().tool_calls().start(start_of("d1"), soon()));
  store::ToolResultMessage message;
  message.user = user_;
  message.chat = chat_.id;
  message.key = "m1/1/0";
  message.call = ToolCallId("t1");
  message.tool = "bash";
  message.result = {model::Outcome::kExecuted, false, "done", 0, 0};
  value(store().messages().append_tool_result(message, soon()));
  ASSERT_TRUE(state().told);
  EXPECT_EQ(*state().told, message.result);
}

}  // namespace
}  // namespace reliant::tests

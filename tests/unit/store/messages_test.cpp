#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

using model::ChatStatus;
using model::UpdateKind;

class Messages : public StoreWorld {
 protected:
  store::AssistantMessage answer(const ChatId& chat, std::string key, std::string text) {
    return {user_, chat, std::move(key), {}, {model::TextBlock{std::move(text)}}};
  }
};
Task<Status> overwrite(ports::Database& database, std::string column, std::string what, std::string step, Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await database.begin(ports::Access::kWrite, deadline));
  CO_TRY_OK((co_await transaction->execute(concat("UPDATE messages SET ", column, " = $2 WHERE dedup_key = $1"),
                                           {concat("step:", step), what}))
                .status());
  co_return co_await transaction->commit();
}

class Updates : public StoreWorld {
 protected:
  std::uint64_t append(const ChatId& chat, store::UpdateStream stream, std::vector<store::NewUpdate> updates) {
    return value(store().updates().append(user_, chat, std::move(stream), std::move(updates), soon()));
  }
};

TEST_F(Messages, StartTheChatInTheSameTransaction) {
  const auto chat = make_chat();
  const auto sent = send(chat.id, "hello");
  EXPECT_EQ(sent.message.sequence, 1u);
  EXPECT_EQ(sent.last_sequence, 2u);
  EXPECT_FALSE(sent.duplicate);
  const auto found = updates(chat.id);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, UpdateKind::kMessage);
  EXPECT_NE(found[0].payload.find(R"("content":[{"type":"text","text":"hello"}])"), std::string::npos);
  EXPECT_NE(found[0].payload.find(sent.message.id.str()), std::string::npos);
  EXPECT_EQ(found[1].payload, R"({"status":"running"})");

  const auto next = send(chat.id, "more");  // it runs already
  EXPECT_EQ(next.message.sequence, 3u);
  EXPECT_EQ(next.last_sequence, 3u);
}

TEST_F(Messages, AClientIdMakesOneMessage) {
  const auto chat = make_chat();
  const auto first = send(chat.id, "hello", "m1");
  const auto again = send(chat.id, "hello", "m1");
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.message.id, first.message.id);
  EXPECT_EQ(again.message.sequence, first.message.sequence);
  const Status other = error(store().messages().append_user_message({user_, chat.id, "something else", "m1"}, soon()));
  EXPECT_EQ(other.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(field_of(other), "client_message_id");
  EXPECT_EQ(updates(chat.id).size(), 2u);
  EXPECT_FALSE(send(make_chat().id, "hello", "m1").duplicate);  // an id is of one chat
}

TEST_F(Messages, MessagesWithoutAClientIdAreDistinct) {
  const auto chat = make_chat();
  EXPECT_NE(send(chat.id, "hello").message.id, send(chat.id, "hello").message.id);
}

TEST_F(Messages, AStepIsWrittenOnce) {
  const auto chat = make_chat();
  EXPECT_EQ(value(store().messages().find(user_, chat.id, "turn1", soon())), std::nullopt);
  const auto first = value(store().messages().append_assistant_message(answer(chat.id, "turn1", "one"), soon()));
  const auto again = value(other_store().messages().append_assistant_message(answer(chat.id, "turn1", "two"), soon()));
  EXPECT_FALSE(first.duplicate);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(model::text_of(again.message.content), "one");
  EXPECT_EQ(value(store().messages().find(user_, chat.id, "turn1", soon()))->id, first.message.id);
  EXPECT_EQ(updates(chat.id).size(), 1u);
}

TEST_F(Messages, ToolOutputThatIsNotUtf8CanBeReadBack) {
  const auto chat = make_chat();
  const std::string bytes("\xFF\xFE\x00 bin", 7);
  const store::ToolResultMessage result{
      user_, chat.id, "turn1/1/0", ToolCallId("call1"), "bash", {model::Outcome::kExecuted, false, bytes, 0, 0}};
  value(store().messages().append_tool_result(result, soon()));
  for (const auto& update : updates(chat.id)) EXPECT_TRUE(parse_json(update.payload).ok()) << update.payload;
  const auto messages = value(store().messages().list(user_, chat.id, 0, 10, soon()));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(std::get<model::ToolResultBlock>(messages[0].content[0]).result.content, std::string("\uFFFD\uFFFD\0 bin", 11));
}

TEST_F(Messages, UnreadableMessagesAreShownAsDamaged) {
  const auto chat = make_chat();
  send(chat.id, "hello");
  value(store().messages().append_assistant_message(answer(chat.id, "turn1", "one"), soon()));
  value(store().messages().append_assistant_message(answer(chat.id, "turn2", "two"), soon()));
  value(store().messages().append_assistant_message(answer(chat.id, "turn3", "three"), soon()));
  const auto damage = [&](std::string_view column, std::string_view what, std::string_view key) {
    const Status done = get(overwrite(contents(), std::string(column), std::string(what), std::string(key), soon()));
    ASSERT_TRUE(done.ok()) << done;
  };
  damage("content", "[{\"type\":\"text\",", "turn1");
  damage("content", "[{\"type\":\"text\",\"text\":\"\xff\"}]", "turn2");  // as an older version stored it
  damage("role", "invalid", "turn3");
  const auto messages = value(store().messages().list(user_, chat.id, 0, 10, soon()));
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_TRUE(messages[1].damaged);
  EXPECT_NE(model::text_of(messages[1].content).find("This message is damaged"), std::string::npos);
  EXPECT_NE(to_json(store::json_of(messages[1])).find(R"("damaged":true)"), std::string::npos);
  EXPECT_FALSE(messages[2].damaged);
  EXPECT_EQ(model::text_of(messages[2].content), "\uFFFD");
  EXPECT_TRUE(messages[3].damaged);
  EXPECT_EQ(messages[3].key, "turn3");
  EXPECT_TRUE(value(store().messages().find(user_, chat.id, "turn1", soon()))->damaged);
  EXPECT_TRUE(value(store().messages().append_assistant_message(answer(chat.id, "turn1", "again"), soon())).duplicate);
  EXPECT_EQ(send(chat.id, "go on").message.sequence, 6u);
}

TEST_F(Messages, MessagesOfAnEndedTurnAreRefused) {
  const auto chat = make_chat();
  const auto sent = send(chat.id, "hello");
  auto late = answer(chat.id, "turn1", "too late");
  late.answers = sent.message.sequence;
  auto second = answer(chat.id, "turn2", "in time");
  const auto next = send(chat.id, "and?");
  second.answers = next.message.sequence;
  value(store().chats().set_status({user_, chat.id, ChatStatus::kCancelled, {}, sent.message.sequence}, soon()));
  EXPECT_EQ(reason_of(error(store().messages().append_assistant_message(late, soon()))), store::kReasonTurnOver);
  EXPECT_EQ(value(store().messages().append_assistant_message(second, soon())).message.sequence, 6u);
}

TEST_F(Messages, ToolMessageFollowsTheEndOfItsOutput) {
  const auto chat = make_chat();
  const store::ToolResultMessage result{
      user_, chat.id, "turn1/call1", ToolCallId("call1"), "bash", {model::Outcome::kExecuted, true, "no such file", 2, 3}};
  EXPECT_EQ(value(store().messages().append_tool_result(result, soon())).message.sequence, 2u);
  EXPECT_TRUE(value(store().messages().append_tool_result(result, soon())).duplicate);
  const auto found = updates(chat.id);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, UpdateKind::kToolFinished);
  EXPECT_EQ(found[0].payload, R"({"id":"call1","tool":"bash","outcome":"executed","is_error":true,)"
                              R"("content":"no such file","exit_code":2})");
  const auto messages = value(store().messages().list(user_, chat.id, 0, 10, soon()));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].role, model::Role::kTool);
  EXPECT_EQ(std::get<model::ToolResultBlock>(messages[0].content[0]).result, result.result);
}

TEST_F(Messages, AreListedInOrderFromAnyPoint) {
  const auto chat = make_chat();
  EXPECT_TRUE(value(store().messages().list(user_, chat.id, 0, 10, soon())).empty());
  for (int i = 0; i < 5; ++i) send(chat.id, std::to_string(i));
  const auto some = value(store().messages().list(user_, chat.id, 1, 2, soon()));
  ASSERT_EQ(some.size(), 2u);
  EXPECT_EQ(model::text_of(some[0].content), "1");
  EXPECT_EQ(some[0].sequence, 3u);
  EXPECT_EQ(model::text_of(some[1].content), "2");
}

TEST_F(Messages, SlicesAreBoundedInBytesAndHaveAtLeastOne) {
  const auto chat = make_chat();
  for (int i = 0; i < 3; ++i) send(chat.id, std::string(400'000, 'a'));
  send(chat.id, std::string(2'000'000, 'b'));
  const auto first = value(store().messages().slice(user_, chat.id, 0, {}, soon()));
  EXPECT_EQ(first.items.size(), 2u);
  EXPECT_TRUE(first.more);
  const auto second = value(store().messages().slice(user_, chat.id, first.items.back().sequence, {}, soon()));
  EXPECT_EQ(second.items.size(), 1u);
  EXPECT_TRUE(second.more);
  const auto last = value(store().messages().slice(user_, chat.id, second.items.back().sequence, {}, soon()));
  ASSERT_EQ(last.items.size(), 1u);
  EXPECT_EQ(model::text_of(last.items[0].content).size(), 2'000'000u);
  EXPECT_FALSE(last.more);
  EXPECT_TRUE(value(store().messages().slice(user_, chat.id, last.items.back().sequence, {}, soon())).items.empty());
  EXPECT_EQ(value(store().messages().slice(user_, chat.id, 0, {.items = 1}, soon())).items.size(), 1u);
}

TEST_F(Messages, AreSweptUntilTheyAreSignalled) {
  const auto chat = make_chat();
  const auto sent = send(chat.id, "hello");
  EXPECT_TRUE(value(store().messages().unsignalled(std::chrono::seconds(10), 10, soon())).empty());
  run_for(std::chrono::seconds(10));
  const auto found = value(other_store().messages().unsignalled(std::chrono::seconds(10), 10, soon()));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].user, user_);
  EXPECT_EQ(found[0].chat, chat.id);
  EXPECT_EQ(found[0].message, sent.message.id);
  EXPECT_TRUE(get(store().messages().mark_signalled(sent.message.id, soon())).ok());
  EXPECT_TRUE(get(store().messages().mark_signalled(sent.message.id, soon())).ok());
  EXPECT_TRUE(value(store().messages().unsignalled(std::chrono::seconds(10), 10, soon())).empty());
}

TEST_F(Messages, MessagesOfAClockAheadAreSwept) {
  set_wall_offset(std::chrono::hours(2));
  const auto chat = make_chat();
  const auto sent = send(chat.id, "hello");
  const auto found = value(other_store().messages().unsignalled(std::chrono::seconds(10), 10, soon()));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].message, sent.message.id);
}

TEST_F(Updates, TakeTheNextNumbersInOrder) {
  const auto chat = make_chat();
  EXPECT_EQ(append(chat.id, {"turn/1", 1},
                   {{UpdateKind::kMessageChunk, "{\"a\":1}", 0}, {UpdateKind::kMessageChunk, "{\"b\":2}", 1}}),
            2u);
  EXPECT_EQ(append(chat.id, {"turn/1/0"}, {{UpdateKind::kToolOutput, "{}", 1}}), 3u);
  const auto found = updates(chat.id);
  EXPECT_EQ(found[1].payload, "{\"b\":2}");
  EXPECT_EQ(found[2].kind, UpdateKind::kToolOutput);
  const auto tail = value(store().updates().list(user_, chat.id, 2, 10, soon()));
  ASSERT_EQ(tail.size(), 1u);
  EXPECT_EQ(tail[0].sequence, 3u);
  EXPECT_TRUE(value(store().updates().list(user_, chat.id, 3, 10, soon())).empty());
}

TEST_F(Updates, SlicesAreBoundedInBytesAndHaveAtLeastOne) {
  const auto chat = make_chat();
  const auto text = [](std::size_t bytes) { return "{\"t\":\"" + std::string(bytes, 'x') + "\"}"; };
  append(chat.id, {"step"},
         {{UpdateKind::kToolOutput, text(10), 0},
          {UpdateKind::kToolOutput, text(600'000), 1},
          {UpdateKind::kToolOutput, text(600'000), 2},
          {UpdateKind::kToolOutput, text(3'000'000), 3}});
  const auto first = value(store().updates().slice(user_, chat.id, 0, {}, soon()));
  ASSERT_EQ(first.items.size(), 2u);
  EXPECT_EQ(first.items[1].payload, text(600'000));
  EXPECT_TRUE(first.more);
  EXPECT_EQ(value(store().updates().slice(user_, chat.id, 2, {}, soon())).items.size(), 1u);
  const auto last = value(store().updates().slice(user_, chat.id, 3, {}, soon()));
  ASSERT_EQ(last.items.size(), 1u);
  EXPECT_EQ(last.items[0].payload, text(3'000'000));
  EXPECT_FALSE(last.more);
  EXPECT_TRUE(value(store().updates().slice(user_, chat.id, 0, {.items = 2}, soon())).more);
}

TEST_F(Updates, RepeatedUpdatesAreSkipped) {
  const auto chat = make_chat();
  EXPECT_EQ(append(chat.id, {"turn/1/0"}, {{UpdateKind::kToolStarted, "{}", 0}}), 1u);
  EXPECT_EQ(append(chat.id, {"turn/1/0"}, {{UpdateKind::kToolStarted, "{}", 0}, {UpdateKind::kToolOutput, "{}", 1}}), 2u);
  EXPECT_EQ(append(chat.id, {"turn/1/0"}, {{UpdateKind::kToolStarted, "{}", 0}}), 2u);
  EXPECT_EQ(append(chat.id, {"turn/1/1"}, {{UpdateKind::kToolStarted, "{}", 0}}), 3u);
  EXPECT_EQ(updates(chat.id).size(), 3u);
}

// An attempt was cut off with unwritten output; its successor recorded a gap there and continued behind it.
TEST_F(Updates, UpdatesOfAStaleAttemptAreSkipped) {
  const auto chat = make_chat();
  EXPECT_EQ(append(chat.id, {"turn/1/0"}, {{UpdateKind::kToolOutput, "{\"gap\":true}", 2}}), 1u);
  EXPECT_EQ(append(chat.id, {"turn/1/0"}, {{UpdateKind::kToolOutput, "{}", 1}}), 1u);
}

TEST_F(Updates, AttemptsAreNotMixed) {
  const auto chat = make_chat();
  EXPECT_EQ(append(chat.id, {"turn/1", 1}, {{UpdateKind::kMessageChunk, "{}", 0}, {UpdateKind::kMessageChunk, "{}", 16}}), 2u);
  EXPECT_EQ(append(chat.id, {"turn/1", 2}, {{UpdateKind::kMessageChunk, "{}", 0}}), 3u);
  EXPECT_EQ(append(chat.id, {"turn/1", 1}, {{UpdateKind::kMessageChunk, "{}", 32}}), 3u);
  EXPECT_EQ(append(chat.id, {"turn/1", 2}, {{UpdateKind::kMessageChunk, "{}", 16}}), 4u);
}

TEST_F(Updates, EndWithTheMessageOfTheirStep) {
  const auto chat = make_chat();
  value(store().messages().append_assistant_message({user_, chat.id, "turn/1", {}, {model::TextBlock{"done"}}}, soon()));
  EXPECT_EQ(append(chat.id, {"turn/1", 7}, {{UpdateKind::kMessageChunk, "{}", 0}}), 1u);
  value(store().messages().append_tool_result({user_, chat.id, "turn/1/0", ToolCallId("call"), "bash", {}}, soon()));
  EXPECT_EQ(append(chat.id, {"turn/1/0"}, {{UpdateKind::kToolOutput, "{}", 9}}), 3u);
}

}  // namespace
}  // namespace reliant::tests

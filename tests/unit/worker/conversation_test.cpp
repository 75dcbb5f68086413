#include "worker/conversation.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "worker/turn_key.h"

namespace reliant::worker {
namespace {

using model::Role;

store::Message user(std::uint64_t sequence, const std::string& id) {
  store::Message message;
  message.id = MessageId(id);
  message.sequence = sequence;
  message.content = {model::TextBlock{id}};
  return message;
}

store::Message answer(std::uint64_t sequence, const TurnKey& key, const std::string& text) {
  store::Message message = user(sequence, text);
  message.role = Role::kAssistant;
  message.key = to_text(key);
  return message;
}

store::Message result(std::uint64_t sequence, const TurnKey& key, const std::string& text) {
  store::Message message = answer(sequence, key, text);
  message.role = Role::kTool;
  return message;
}

std::string shown(const std::vector<llm::ModelMessage>& conversation) {
  std::string text;
  for (const llm::ModelMessage& message : conversation)
    text += concat(model::to_string(message.role), ":", model::text_of(message.content), " ");
  return text;
}

const MessageId kFirst("one");
const MessageId kSecond("two");

TEST(Conversation, KeepsAFinishedTurnInOrder) {
  const auto conversation = arrange({user(1, "one"), answer(2, {kFirst, 1, -1}, "calls"), result(3, {kFirst, 1, 0}, "r"),
                                     answer(4, {kFirst, 2, -1}, "done"), user(5, "two")},
                                    kSecond, 5);
  EXPECT_EQ(shown(conversation), "user:one assistant:calls tool:r assistant:done user:two ");
}

TEST(Conversation, PutsParallelResultsInTheOrderOfTheirCallsInOneMessage) {
  const auto conversation = arrange({user(1, "one"), answer(2, {kFirst, 1, -1}, "calls"), result(3, {kFirst, 1, 2}, "c"),
                                     result(4, {kFirst, 1, 0}, "a"), result(5, {kFirst, 1, 1}, "b")},
                                    kFirst, 1);
  EXPECT_EQ(shown(conversation), "user:one assistant:calls tool:abc ");
}

TEST(Conversation, AMessageSentDuringATurnComesAfterIt) {
  const auto conversation = arrange({user(1, "one"), answer(2, {kFirst, 1, -1}, "calls"), user(3, "two"),
                                     result(4, {kFirst, 1, 0}, "r"), answer(5, {kFirst, 2, -1}, "done")},
                                    kSecond, 3);
  EXPECT_EQ(shown(conversation), "user:one assistant:calls tool:r assistant:done user:two ");
}

TEST(Conversation, OmitsMessagesOfTheNextTurn) {
  const auto conversation =
      arrange({user(1, "one"), answer(2, {kFirst, 1, -1}, "calls"), user(3, "two"), result(4, {kFirst, 1, 0}, "r")}, kFirst, 1);
  EXPECT_EQ(shown(conversation), "user:one assistant:calls tool:r ");
}

TEST(Conversation, MessagesAnsweredTogetherStandTogether) {
  const auto conversation = arrange({user(1, "one"), user(2, "more"), user(3, "two")}, kFirst, 3);
  EXPECT_EQ(shown(conversation), "user:one user:more user:two ");
}

// "call 1:…" of an answer, "result 1" of a tool message: a provider requires them in pairs.
std::string pairs(const std::vector<llm::ModelMessage>& conversation) {
  std::string text;
  for (const llm::ModelMessage& message : conversation) {
    for (const model::ContentBlock& block : message.content) {
      if (const auto* call = std::get_if<model::ToolCallBlock>(&block)) text += concat("call ", call->call.id.str(), ", ");
      const auto* result = std::get_if<model::ToolResultBlock>(&block);
      if (result == nullptr) continue;
      const bool unknown = result->result.outcome == model::Outcome::kUnknown;
      text += concat("result ", result->call.str(), unknown ? "?, " : ", ");
    }
  }
  return text;
}

store::Message calls(std::uint64_t sequence, const TurnKey& key, const std::vector<std::string>& ids) {
  store::Message message = answer(sequence, key, "calls");
  for (const std::string& id : ids) message.content.push_back(model::ToolCallBlock{{ToolCallId(id), "bash", "{}"}});
  return message;
}

store::Message result_of(std::uint64_t sequence, const TurnKey& key, const std::string& id) {
  store::Message message = result(sequence, key, "");
  message.content = {model::ToolResultBlock{ToolCallId(id), {model::Outcome::kExecuted, false, "ok", 0, 0}}};
  return message;
}

TEST(Conversation, ACallWithoutAResultGetsAPlaceholder) {
  const auto conversation = arrange({user(1, "one"), calls(2, {kFirst, 1, -1}, {"a", "b"}), result_of(3, {kFirst, 1, 1}, "b"),
                                     calls(4, {kFirst, 2, -1}, {"c"}), user(5, "two")},
                                    kSecond, 5);
  EXPECT_EQ(pairs(conversation), "call a, call b, result b, result a?, call c, result c?, ");
}

TEST(Conversation, ADamagedMessageKeepsCallsAndResultsPaired) {
  store::Message lost_answer = answer(2, {kFirst, 1, -1}, "[damaged]");
  lost_answer.damaged = true;
  store::Message lost_result = result(5, {kFirst, 2, 0}, "[damaged]");
  lost_result.damaged = true;
  const auto conversation =
      arrange({user(1, "one"), lost_answer, result_of(3, {kFirst, 1, 0}, "a"), calls(4, {kFirst, 2, -1}, {"b"}), lost_result},
              kFirst, 1);
  EXPECT_EQ(pairs(conversation), "call b, result b?, ");
  EXPECT_EQ(shown(conversation), "user:one assistant:[damaged] assistant:calls tool: ");
}

TEST(TurnKey, RoundTripsThroughText) {
  for (const TurnKey& key : {TurnKey{kFirst, 1, -1}, TurnKey{kFirst, 12, 0}, TurnKey{kSecond, 3, 41}}) {
    const auto back = turn_key_from(to_text(key));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(*back, key);
  }
  EXPECT_FALSE(turn_key_from("no key").has_value());
  EXPECT_FALSE(turn_key_from("a/b").has_value());
}

TEST(TurnKey, GivesEveryAttemptOfAnAnswerTheSameId) {
  EXPECT_EQ(answer_id({kFirst, 1, -1}), answer_id({kFirst, 1, 5}));
  EXPECT_NE(answer_id({kFirst, 1, -1}), answer_id({kFirst, 2, -1}));
}

}  // namespace
}  // namespace reliant::worker

#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

using namespace std::chrono_literals;
using model::ChatStatus;

class Recoveries : public StoreWorld {
 protected:
  // A message that counts as signalled.
  store::Appended say(const ChatId& chat, std::string text) {
    const auto sent = send(chat, std::move(text));
    EXPECT_TRUE(get(store().messages().mark_signalled(sent.message.id, soon())).ok());
    return sent;
  }
  std::vector<std::string> at_work(Duration age, ChatId after = {}, std::size_t limit = 10) {
    std::vector<std::string> ids;
    for (const auto& chat : value(store().recoveries().at_work(age, std::move(after), limit, soon()))) {
      EXPECT_EQ(chat.user, user_);
      ids.push_back(chat.chat.str());
    }
    return ids;
  }
  store::Recovery begin(const ChatId& chat) { return value(store().recoveries().begin(user_, chat, 60s, soon())); }
  void end_turn(const ChatId& chat, std::uint64_t through) {
    value(store().chats().set_status({user_, chat, ChatStatus::kIdle, {}, through}, soon()));
  }
};

TEST_F(Recoveries, ListChatsWithAnOldMessageThatWasSignalledAndNotAnswered) {
  const auto idle = make_chat(ChatId("a"));
  const auto unsignalled = make_chat(ChatId("b"));
  const auto first = make_chat(ChatId("c"));
  const auto second = make_chat(ChatId("d"));
  send(unsignalled.id, "the sweeper's");
  say(first.id, "hello");
  say(second.id, "hello");
  EXPECT_EQ(at_work(Duration::zero()), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(at_work(Duration::zero(), ChatId("c")), (std::vector<std::string>{"d"}));
  EXPECT_EQ(at_work(Duration::zero(), {}, 1), (std::vector<std::string>{"c"}));
  EXPECT_EQ(at_work(10min), std::vector<std::string>());
  end_turn(first.id, 1);
  EXPECT_EQ(at_work(Duration::zero()), (std::vector<std::string>{"d"}));
}

TEST_F(Recoveries, ListChatsOfADisabledUserWhateverTheAgeOfTheirMessages) {
  const auto chat = make_chat();
  say(chat.id, "hello");
  EXPECT_EQ(at_work(10min), std::vector<std::string>());
  EXPECT_FALSE(value(store().recoveries().at_work(Duration::zero(), {}, 10, soon())).at(0).user_disabled);
  value(store().users().set_disabled(user_, true, soon()));
  const auto found = value(store().recoveries().at_work(10min, {}, 10, soon()));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].chat, chat.id);
  EXPECT_TRUE(found[0].user_disabled);
}

TEST_F(Recoveries, GiveTheUnansweredMessagesOnceAnInterval) {
  const auto chat = make_chat();
  const auto one = say(chat.id, "one");
  const auto two = say(chat.id, "two");
  send(chat.id, "not signalled yet");
  const store::Recovery first = begin(chat.id);
  EXPECT_EQ(first.times, 1);
  ASSERT_EQ(first.messages.size(), 2u);
  EXPECT_EQ(first.messages[0].message, one.message.id);
  EXPECT_EQ(first.messages[1].sequence, two.message.sequence);
  EXPECT_TRUE(value(other_store().recoveries().begin(user_, chat.id, 60s, soon())).messages.empty());
  EXPECT_EQ(value(store().recoveries().begin(user_, chat.id, Duration::zero(), soon())).times, 2);
}

TEST_F(Recoveries, CountFromTheBeginningForTheNextTurn) {
  const auto chat = make_chat();
  const auto one = say(chat.id, "one");
  EXPECT_EQ(begin(chat.id).times, 1);
  end_turn(chat.id, one.message.sequence);
  EXPECT_TRUE(begin(chat.id).messages.empty());
  say(chat.id, "two");
  const store::Recovery next = begin(chat.id);
  EXPECT_EQ(next.times, 1);
  EXPECT_EQ(next.messages.size(), 1u);
}

TEST_F(Recoveries, AreDeletedWithTheirChatOnly) {
  const auto chat = make_chat();
  const auto one = say(chat.id, "one");
  const UserId bob = value(store().users().create(UserId("bob"), "bob", soon())).id;
  EXPECT_EQ(error(store().recoveries().begin(bob, chat.id, 60s, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(error(store().recoveries().unanswered(bob, chat.id, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(value(store().recoveries().unanswered(user_, chat.id, soon())).size(), 1u);
  begin(chat.id);
  end_turn(chat.id, one.message.sequence);
  EXPECT_TRUE(value(store().recoveries().unanswered(user_, chat.id, soon())).empty());
  EXPECT_TRUE(get(store().chats().remove(user_, chat.id, soon())).ok());
}

}  // namespace
}  // namespace reliant::tests

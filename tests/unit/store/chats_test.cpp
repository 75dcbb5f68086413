#include <set>

#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

using model::ChatStatus;
using model::UpdateKind;

class Projects : public StoreWorld {};
class Chats : public StoreWorld {
 protected:
  UserId stranger() { return value(store().users().create(UserId("bob"), "bob", soon())).id; }
};

TEST_F(Projects, AreSeenByTheirUserOnly) {
  const UserId bob = value(store().users().create(UserId("bob"), "bob", soon())).id;
  EXPECT_EQ(value(store().projects().get(user_, project_, soon())).path, "/home/ann");
  EXPECT_EQ(error(store().projects().get(bob, project_, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(error(store().projects().update(bob, project_, {"x", {}}, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(get(store().projects().remove(bob, project_, soon())).code(), StatusCode::kNotFound);
  EXPECT_TRUE(value(store().projects().list(bob, {}, soon())).items.empty());
}

TEST_F(Projects, ChangeOnlyWhatIsNamed) {
  const auto changed = value(store().projects().update(user_, project_, {"work", {}}, soon()));
  EXPECT_EQ(changed.name, "work");
  EXPECT_EQ(changed.path, "/home/ann");
}

TEST_F(Projects, AreNotDeletedUnderTheirChats) {
  const auto chat = make_chat();
  const Status refused = get(store().projects().remove(user_, project_, soon()));
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(refused).find("delete them first"), std::string_view::npos);
  EXPECT_TRUE(get(store().chats().remove(user_, chat.id, soon())).ok());
  EXPECT_TRUE(get(store().projects().remove(user_, project_, soon())).ok());
  EXPECT_EQ(error(store().projects().get(user_, project_, soon())).code(), StatusCode::kNotFound);
}

TEST_F(Chats, AreTheSameForTheSameId) {
  const auto chat = make_chat(ChatId("mine"));
  EXPECT_EQ(value(store().chats().create({user_, project_, "other", ChatId("mine"), {}}, soon())).title, chat.title);
  const Status taken = error(store().chats().create({stranger(), project_, "", ChatId("mine"), {}}, soon()));
  EXPECT_EQ(taken.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(field_of(taken), "id");
}

TEST_F(Chats, NeedAProjectOfTheSameUser) {
  const Status status = error(store().chats().create({stranger(), project_, "", {}, {}}, soon()));
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(field_of(status), "project_id");
}

TEST_F(Chats, OfAnotherUserAreNotFound) {
  const auto chat = make_chat();
  const UserId bob = stranger();
  EXPECT_EQ(error(store().chats().get(bob, chat.id, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(error(store().chats().update(bob, chat.id, {"x", {}}, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(get(store().chats().remove(bob, chat.id, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(error(store().chats().set_status({bob, chat.id, ChatStatus::kRunning, {}, {}}, soon())).code(),
            StatusCode::kNotFound);
  EXPECT_EQ(error(store().messages().append_user_message({bob, chat.id, "hi", ""}, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(error(store().messages().list(bob, chat.id, 0, 10, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(error(store().updates().list(bob, chat.id, 0, 10, soon())).code(), StatusCode::kNotFound);
  EXPECT_EQ(error(store().updates().append(bob, chat.id, {"turn/1/0"}, {{UpdateKind::kToolStarted, "{}"}}, soon())).code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(updates(chat.id).empty());
}

TEST_F(Chats, PagesStayConsistentWhileChatsAreAdded) {
  std::vector<ChatId> made;
  made.reserve(25);
  for (int i = 0; i < 25; ++i) made.push_back(make_chat().id);
  const ProjectId empty = value(store().projects().create(user_, "empty", "/", soon())).id;
  EXPECT_TRUE(value(store().chats().list(user_, empty, {}, soon())).items.empty());

  std::vector<ChatId> seen;
  store::PageRequest page{"", 10};
  do {
    const auto part = value(store().chats().list(user_, project_, page, soon()));
    for (const auto& chat : part.items) seen.push_back(chat.id);
    page.cursor = part.next_cursor;
    make_chat();  // newer than all: on no later page
  } while (!page.cursor.empty());
  EXPECT_EQ(seen, std::vector<ChatId>(made.rbegin(), made.rend()));
}

TEST_F(Chats, RejectAnInvalidCursor) {
  for (const std::string_view cursor : {"x", "12", "12.", ".a", "12.a b"}) {
    const Status status = error(store().chats().list(user_, {}, {std::string(cursor), 10}, soon()));
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << cursor;
    EXPECT_EQ(field_of(status), "cursor");
  }
  EXPECT_EQ(field_of(error(store().chats().list(user_, {}, {"", 0}, soon()))), "limit");
  EXPECT_EQ(field_of(error(store().chats().list(user_, {}, {"", 201}, soon()))), "limit");
}

TEST_F(Chats, ChangeOnlyWhatIsNamed) {
  const auto chat = make_chat();
  EXPECT_EQ(value(store().chats().update(user_, chat.id, {{}, DaemonId("d1")}, soon())).active_daemon, DaemonId("d1"));
  const auto changed = value(store().chats().update(user_, chat.id, {"new", {}}, soon()));
  EXPECT_EQ(changed.title, "new");
  EXPECT_EQ(changed.active_daemon, DaemonId("d1"));
  EXPECT_TRUE(value(store().chats().update(user_, chat.id, {{}, DaemonId()}, soon())).active_daemon.empty());
}

TEST_F(Chats, AreDeletedWithTheirDataUnlessTheyRun) {
  const auto chat = make_chat();
  send(chat.id, "hi");
  EXPECT_EQ(get(store().chats().remove(user_, chat.id, soon())).code(), StatusCode::kFailedPrecondition);
  value(store().chats().set_status({user_, chat.id, ChatStatus::kIdle, {}, {}}, soon()));
  value(store().updates().append(user_, chat.id, {"turn/1/0"}, {{UpdateKind::kToolStarted, "{}"}}, soon()));
  EXPECT_TRUE(get(store().chats().remove(user_, chat.id, soon())).ok());
  EXPECT_EQ(error(store().chats().get(user_, chat.id, soon())).code(), StatusCode::kNotFound);
  for (const std::string_view table : {"messages", "updates", "update_streams"}) {
    auto reader = value(contents().begin(ports::Access::kRead, soon()));
    EXPECT_TRUE(value(reader->execute("SELECT * FROM " + std::string(table), {})).empty()) << table;
  }
}

TEST_F(Chats, ReportEveryChangeOfStatusOnce) {
  const auto chat = make_chat();
  EXPECT_EQ(value(store().chats().set_status({user_, chat.id, ChatStatus::kIdle, {}, {}}, soon())), 0u);
  EXPECT_EQ(value(store().chats().set_status({user_, chat.id, ChatStatus::kRunning, {}, {}}, soon())), 1u);
  EXPECT_EQ(value(store().chats().set_status({user_, chat.id, ChatStatus::kRunning, {}, {}}, soon())), 1u);
  const Status failure = unavailable("the model is away");
  EXPECT_EQ(value(store().chats().set_status({user_, chat.id, ChatStatus::kFailed, failure, {}}, soon())), 2u);
  const auto found = updates(chat.id);
  EXPECT_EQ(found[0].payload, R"({"status":"running"})");
  EXPECT_EQ(found[1].payload, R"({"status":"failed","error":{"code":"UNAVAILABLE","message":"the model is away"}})");
}

TEST_F(Chats, StayRunningWhenTheUserHasSentMore) {
  const auto chat = make_chat();
  const auto first = send(chat.id, "one");
  const auto second = send(chat.id, "two");
  value(store().chats().set_status({user_, chat.id, ChatStatus::kIdle, {}, first.message.sequence}, soon()));
  EXPECT_EQ(value(store().chats().get(user_, chat.id, soon())).status, ChatStatus::kRunning);
  value(store().chats().set_status({user_, chat.id, ChatStatus::kIdle, {}, second.message.sequence}, soon()));
  EXPECT_EQ(value(store().chats().get(user_, chat.id, soon())).status, ChatStatus::kIdle);
}

TEST_F(Chats, ReportAFailedTurnOnceAlsoWhenTheNextFollows) {
  const auto chat = make_chat();
  const auto first = send(chat.id, "one");
  send(chat.id, "two");
  const store::StatusChange failed{user_, chat.id, ChatStatus::kFailed, unavailable("away"), first.message.sequence};
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_EQ(value(store().chats().set_status(failed, soon())), 5u);
    const auto found = updates(chat.id);
    ASSERT_EQ(found.size(), 5u);
    EXPECT_NE(found[3].payload.find(R"("failed")"), std::string::npos);
    EXPECT_EQ(found[4].payload, R"({"status":"running"})");
    const auto now = value(store().chats().get(user_, chat.id, soon()));
    EXPECT_EQ(now.status, ChatStatus::kRunning);
    EXPECT_EQ(now.answered_up_to, first.message.sequence);
  }
}

}  // namespace
}  // namespace reliant::tests

// Chats at work whose run the workflow engine has lost.
#include <gtest/gtest.h>

#include "unit/api/api_world.h"
#include "workflow/chat_activities.h"

namespace reliant::api {
namespace {

using namespace std::chrono_literals;
namespace enums = ::temporal::api::enums::v1;

struct Lost : ApiWorld {
  Lost() : chat(new_chat()), path("/chats/" + chat) { message = say("hello"); }

  std::string say(const std::string& text) {
    return call("POST", path + "/messages", concat(R"({"text":")", text, "\"}")).text("message_id");
  }
  std::string status() { return call("GET", path).text("status"); }
  void answer(std::uint64_t through) {
    run([](store::Store& store, UserId user, ChatId id, std::uint64_t sequence) -> Task<void> {
      store::StatusChange change;
      change.user = user;
      change.chat = id;
      change.answered_up_to = sequence;
      EXPECT_TRUE((co_await store.chats().set_status(change, kNever)).ok());
    }(*store, user, ChatId(chat), through));
  }
  void set_disabled(bool disabled) {
    run([](store::Store& store, UserId user, bool wanted) -> Task<void> {
      EXPECT_TRUE((co_await store.users().set_disabled(user, wanted, kNever)).ok());
    }(*store, user, disabled));
  }
  std::vector<std::string> signals() {
    std::vector<std::string> ids;
    for (const auto& start : temporal.started) ids.push_back(start.request_id());
    return ids;
  }

  std::string chat;
  std::string path;
  std::string message;
};

TEST(ApiReconciler, LeavesAChatAloneWhoseWorkflowRuns) {
  Lost world;
  world.pass(10min);
  EXPECT_EQ(world.temporal.started.size(), 1u);
  EXPECT_GT(world.temporal.described, 5);
}

TEST(ApiReconciler, SignalsTheMessagesAgainThatTheEngineDoesNotKnow) {
  Lost world;
  const std::string second = world.say("and?");
  world.temporal.running = false;
  world.pass(40s);
  const std::vector<std::string> expected = {"message-" + world.message, "message-" + second,
                                             "message-" + world.message + "-again-1", "message-" + second + "-again-1"};
  EXPECT_EQ(world.signals(), expected);
  const auto told =
      workflow::from_json_text<workflow::MessageSignal>(world.temporal.started[2].signal_input().payloads(0).data());
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->message.str(), world.message);
  EXPECT_EQ(told->sequence, 1u);
  EXPECT_EQ(world.log.errors, std::vector<std::string>());
}

TEST(ApiReconciler, SignalsTheMessagesAgainOfARunThatIsClosed) {
  for (const auto status : {enums::WORKFLOW_EXECUTION_STATUS_COMPLETED, enums::WORKFLOW_EXECUTION_STATUS_TERMINATED,
                            enums::WORKFLOW_EXECUTION_STATUS_CANCELED, enums::WORKFLOW_EXECUTION_STATUS_FAILED,
                            enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT}) {
    Lost world;
    world.temporal.status = status;
    world.pass(40s);
    EXPECT_EQ(world.temporal.started.size(), 2u) << status;
  }
}

TEST(ApiReconciler, LeavesAChatAloneThatIsAtRest) {
  Lost world;
  world.answer(1);
  world.temporal.running = false;
  world.pass(10min);
  EXPECT_EQ(world.temporal.started.size(), 1u);
  EXPECT_EQ(world.status(), "idle");
}

TEST(ApiReconciler, WaitsForAnEngineThatIsAway) {
  Lost world;
  world.temporal.running = false;
  world.temporal.away = true;
  world.pass(5min);
  EXPECT_EQ(world.temporal.started.size(), 1u);
  world.temporal.away = false;
  world.pass(1min);
  EXPECT_EQ(world.temporal.started.size(), 2u);
}

TEST(ApiReconciler, BeginsAgainOnceAnIntervalWhateverTheNumberOfReplicas) {
  Lost world;
  ApiServer other(world.root.context(), RandomStreams(77), world.ports(), ApiOptions{.listen_address = "api:2"});
  ASSERT_TRUE(other.start().ok());
  world.temporal.running = false;
  world.pass(50s);
  EXPECT_EQ(world.temporal.started.size(), 2u);
}

TEST(ApiReconciler, MarksAChatFailedThatIsLostAgainAndAgain) {
  Lost world;
  world.temporal.running = false;
  world.pass(20min);
  EXPECT_EQ(world.temporal.started.size(), 6u);
  EXPECT_EQ(world.status(), "failed");
  EXPECT_EQ(world.call("DELETE", world.path).status, 204);
}

TEST(ApiReconciler, CountsFromTheBeginningForTheNextTurn) {
  Lost world;
  world.temporal.running = false;
  world.pass(5min);
  const std::size_t before = world.temporal.started.size();
  world.answer(1);
  const std::string second = world.say("and?");
  world.pass(2min);
  EXPECT_EQ(world.signals().at(before + 1), "message-" + second + "-again-1");
}

TEST(ApiReconciler, CancelsTheChatsOfADisabledUser) {
  Lost world;
  world.pass(1s);
  world.set_disabled(true);
  world.pass(2min);
  ASSERT_GT(world.temporal.signalled.size(), 1u) << "until the chat is at rest";
  for (const auto& signal : world.temporal.signalled) {
    EXPECT_EQ(signal.signal_name(), "cancel");
    EXPECT_EQ(signal.request_id(), "disabled-" + world.message) << "the engine takes it once";
  }
  world.answer(1);
  world.pass(1min);
  world.temporal.signalled.clear();
  world.pass(2min);
  EXPECT_TRUE(world.temporal.signalled.empty());
  EXPECT_EQ(world.temporal.started.size(), 1u);
}

TEST(ApiReconciler, CancelsAChatOfADisabledUserWhoseRunIsLost) {
  Lost world;
  world.temporal.running = false;
  world.set_disabled(true);
  world.pass(40s);
  ASSERT_GE(world.temporal.started.size(), 2u);
  EXPECT_EQ(world.temporal.started[1].signal_name(), "cancel");
}

TEST(ApiReconciler, CancelEndsAChatWhoseRunIsLost) {
  Lost world;
  const std::string second = world.say("and?");
  world.temporal.running = false;
  const Reply reply = world.call("POST", world.path + "/cancel");
  EXPECT_EQ(reply.status, 202);
  EXPECT_TRUE(reply.body.at("cancelling").as_bool());
  ASSERT_EQ(world.temporal.started.size(), 3u);
  const auto& start = world.temporal.started[2];
  EXPECT_EQ(start.signal_name(), "cancel");
  const auto input = workflow::from_json_text<workflow::ChatInput>(start.input().payloads(0).data());
  ASSERT_TRUE(input.ok());
  ASSERT_EQ(input->pending.size(), 2u);
  EXPECT_EQ(input->pending[0].message.str(), world.message);
  EXPECT_EQ(input->last_sequence, input->pending[1].sequence);
  world.answer(input->last_sequence);
  EXPECT_EQ(world.call("DELETE", world.path).status, 204);
}

}  // namespace
}  // namespace reliant::api

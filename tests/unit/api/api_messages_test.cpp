#include <gtest/gtest.h>

#include "unit/api/api_world.h"
#include "workflow/chat_activities.h"

namespace reliant::api {
namespace {

TEST(ApiMessages, AreStoredThenSignalledThenAccepted) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  const Reply reply = world.call("POST", "/chats/" + chat + "/messages", R"({"text":"hello"})");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.number("sequence"), 1);
  ASSERT_EQ(world.temporal.started.size(), 1u);
  const auto& signal = world.temporal.started[0];
  EXPECT_EQ(signal.workflow_id(), "chat-" + chat);
  EXPECT_EQ(signal.workflow_type().name(), "ChatWorkflow");
  EXPECT_EQ(signal.signal_name(), "message");
  EXPECT_EQ(signal.request_id(), "message-" + reply.text("message_id"));
  const auto told = workflow::from_json_text<workflow::MessageSignal>(signal.signal_input().payloads(0).data());
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->message.str(), reply.text("message_id"));
  EXPECT_EQ(told->sequence, 1u);
  EXPECT_EQ(world.call("GET", "/chats/" + chat).text("status"), "running");
}

TEST(ApiMessages, ARepeatedPostHasTheSameAnswer) {
  ApiWorld world;
  const std::string path = "/chats/" + world.new_chat() + "/messages";
  const Reply first = world.call("POST", path, R"({"text":"hello","client_message_id":"m1"})");
  const Reply again = world.call("POST", path, R"({"text":"hello","client_message_id":"m1"})");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(world.temporal.started.size(), 1u);
  const Reply other = world.call("POST", path, R"({"text":"other","client_message_id":"m1"})");
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(other.text("field"), "client_message_id");
  EXPECT_EQ(world.call("GET", path).body.at("items").as_array().size(), 1u);
}

TEST(ApiMessages, NameTheFieldThatIsWrong) {
  ApiOptions options;
  options.limits.text = 10;
  ApiWorld world(1, options);
  const std::string path = "/chats/" + world.new_chat() + "/messages";
  const auto field = [&](std::string body) {
    const Reply reply = world.call("POST", path, std::move(body));
    EXPECT_EQ(reply.status, 400);
    return reply.text("field");
  };
  EXPECT_EQ(field("{}"), "text");
  EXPECT_EQ(field(R"({"text":""})"), "text");
  EXPECT_EQ(field(R"({"text":"01234567890"})"), "text");
  EXPECT_EQ(field(R"({"text":["x"]})"), "text");
  EXPECT_EQ(field(R"({"text":"x","client_message_id":"a b"})"), "client_message_id");
  EXPECT_EQ(field(R"({"text":"x","role":"system"})"), "role");
  EXPECT_EQ(world.call("GET", path + "?after=-1").text("field"), "after");
  EXPECT_EQ(world.call("GET", path + "?after=1&cursor=1").text("field"), "cursor");
  EXPECT_TRUE(world.temporal.started.empty());
}

TEST(ApiMessages, ListInPagesBySequence) {
  ApiWorld world;
  const std::string path = "/chats/" + world.new_chat() + "/messages";
  for (int i = 0; i < 5; ++i) world.call("POST", path, concat(R"({"text":"m)", i, "\"}"));
  std::string text;
  std::string cursor;
  do {
    const Reply page = world.call("GET", path + (cursor.empty() ? "?after=0&limit=2" : "?limit=2&cursor=" + cursor));
    for (const json::value& item : page.body.at("items").as_array()) {
      text += item.at("content").as_array().at(0).at("text").as_string().c_str();
    }
    cursor = page.text("next_cursor");
  } while (!cursor.empty());
  EXPECT_EQ(text, "m0m1m2m3m4");
}

TEST(ApiMessages, AreAcceptedWhileTemporalIsAwayAndSweptLater) {
  ApiWorld world;
  const std::string path = "/chats/" + world.new_chat() + "/messages";
  world.temporal.away = true;
  const Instant before = world.executor.now();
  const Reply reply = world.call("POST", path, R"({"text":"hello"})");
  EXPECT_EQ(reply.status, 202);
  EXPECT_LE(world.executor.now() - before, Messages::kSignalTimeout + std::chrono::seconds(1));
  world.pass(std::chrono::seconds(30));
  EXPECT_TRUE(world.temporal.started.empty());
  world.temporal.away = false;
  world.pass(std::chrono::seconds(20));
  ASSERT_EQ(world.temporal.started.size(), 1u);
  EXPECT_EQ(world.temporal.started[0].request_id(), "message-" + reply.text("message_id"));
  world.pass(std::chrono::seconds(20));
  EXPECT_EQ(world.temporal.started.size(), 1u) << "a message that was signalled is left alone";
}

TEST(ApiMessages, AreSweptByAnotherReplica) {
  ApiWorld world;
  const std::string path = "/chats/" + world.new_chat() + "/messages";
  world.temporal.away = true;
  world.call("POST", path, R"({"text":"hello"})");
  world.server.reset();  // it dies with the message in its hands
  world.temporal.away = false;
  ApiServer other(world.root.context(), RandomStreams(77), world.ports(), ApiOptions{.listen_address = "api:2"});
  ASSERT_TRUE(other.start().ok());
  world.pass(std::chrono::seconds(20));
  EXPECT_EQ(world.temporal.started.size(), 1u);
}

// The client cannot know whether it was accepted: it sends again, and there is one message.
TEST(ApiMessages, SurviveTheirServerAtEverySuspensionPoint) {
  for (int steps = 0;; ++steps) {
    ApiWorld world;
    const std::string path = "/chats/" + world.new_chat() + "/messages";
    const std::string body = R"({"text":"hello","client_message_id":"m1"})";
    HandResponder responder;
    bool ended = false;
    {
      TaskScope scope(world.root.context());
      scope.spawn(world.http_server.serve(world.request("POST", "/api/v2" + path, body), responder));
      for (int i = 0; i < steps && scope.size() > 0; ++i) world.executor.step();
      ended = scope.size() == 0;
    }
    EXPECT_EQ(world.call("POST", path, body).status, 202);
    world.pass(std::chrono::seconds(20));
    EXPECT_EQ(world.call("GET", path).body.at("items").as_array().size(), 1u);
    ASSERT_GE(world.temporal.started.size(), 1u);
    for (const auto& signal : world.temporal.started) {
      EXPECT_EQ(signal.request_id(), world.temporal.started[0].request_id());
    }
    if (ended) break;
  }
}

}  // namespace
}  // namespace reliant::api

// The limits of one user (C50), and their log.
#include <algorithm>
#include <deque>

#include <gtest/gtest.h>

#include "unit/api/api_world.h"

namespace reliant::api {
namespace {

std::string message(int number) { return "{\"text\":\"message " + std::to_string(number) + "\"}"; }

TEST(ApiLimits, TooManyMessagesAreRefusedWithTheLimitAndATime) {
  ApiOptions options;
  options.limits.messages_per_minute = 12;
  options.limits.messages_at_once = 2;
  ApiWorld world(1, options);
  const std::string path = "/chats/" + world.new_chat() + "/messages";
  EXPECT_EQ(world.call("POST", path, message(1)).status, 202);
  EXPECT_EQ(world.call("POST", path, message(2)).status, 202);
  const Reply refused = world.call("POST", path, message(3));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.text("code"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(refused.text("reason"), "LIMIT_MESSAGES_PER_MINUTE");
  EXPECT_NE(refused.text("message").find("12 messages a minute"), std::string::npos);
  EXPECT_EQ(refused.headers.at("retry-after"), "5");
  world.pass(std::chrono::seconds(5));
  EXPECT_EQ(world.call("POST", path, message(3)).status, 202);
}

TEST(ApiLimits, TooManyChangesAreRefusedBeforeTheirBodiesAreRead) {
  ApiOptions options;
  options.limits.changes_per_minute = 60;
  options.limits.changes_at_once = 3;
  ApiWorld world(1, options);
  const std::string chat = world.new_chat();  // a project and a chat
  EXPECT_EQ(world.call("PATCH", "/chats/" + chat, R"({"title":"t"})").status, 200);
  const auto bodies = world.http_server.bodies;
  const Reply refused = world.call("PATCH", "/chats/" + chat, R"({"title":"u"})");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.text("reason"), "LIMIT_CHANGES_PER_MINUTE");
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(world.http_server.bodies, bodies);
  EXPECT_EQ(world.call("GET", "/chats/" + chat).status, 200);
  world.pass(std::chrono::seconds(1));
  EXPECT_EQ(world.call("PATCH", "/chats/" + chat, R"({"title":"u"})").status, 200);
}

TEST(ApiLimits, ConcurrentlyRunningChatsAreLimited) {
  ApiOptions options;
  options.limits.running_chats = 1;
  ApiWorld world(1, options);
  const std::string first = "/chats/" + world.new_chat() + "/messages";
  const std::string second = "/chats/" + world.new_chat() + "/messages";
  EXPECT_EQ(world.call("POST", first, message(1)).status, 202);
  EXPECT_EQ(world.call("POST", first, message(2)).status, 202);  // it is at work already
  const Reply refused = world.call("POST", second, message(3));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.text("reason"), "LIMIT_RUNNING_CHATS");
  EXPECT_EQ(refused.headers.at("retry-after"), "10");
}

TEST(ApiLimits, StoredDataOfAUserAreLimited) {
  ApiOptions options;
  options.limits.projects = 1;
  options.limits.chats = 1;
  options.limits.tokens = 2;
  options.limits.stored_bytes = 1000;
  ApiWorld world(1, options);
  const std::string chat = world.new_chat();
  const auto refused = [&](const std::string& path, std::string body, const std::string& reason) {
    const Reply reply = world.call("POST", path, std::move(body));
    EXPECT_EQ(reply.status, 429) << path;
    EXPECT_EQ(reply.text("reason"), reason);
    EXPECT_NE(reply.text("message").find("first"), std::string::npos) << "the remedy: " << reply.text("message");
  };
  refused("/projects", R"({"name":"p","path":"/p"})", "LIMIT_PROJECTS");
  refused("/chats", R"({"project_id":"x"})", "LIMIT_CHATS");
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a"})").status, 201);
  refused("/daemons/register", R"({"daemon_id":"a"})", "LIMIT_TOKENS");
  const std::string messages = "/chats/" + chat + "/messages";
  EXPECT_EQ(world.call("POST", messages, "{\"text\":\"" + std::string(1000, 'x') + "\"}").status, 202);
  world.pass(Quotas::kBytesKnownFor);
  refused(messages, message(2), "LIMIT_STORED_BYTES");
  EXPECT_EQ(world.call("GET", messages).status, 200);
}

TEST(ApiLimits, LookupsOfUnknownTokensAreLimitedForEachAddress) {
  ApiOptions options;
  options.limits.unknown_tokens.at_once = 3;
  ApiWorld world(1, options);
  const auto status = [&](const std::string& token, const std::string& peer) {
    auto request = world.request("GET", "/api/v2/projects");
    request.headers["authorization"] = "Bearer " + token;
    request.peer = peer;
    return world.send(request).status;
  };
  EXPECT_EQ(status(world.token, "10.0.0.1:9"), 200);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(status("rlnt_pat_" + std::string(64, static_cast<char>('b' + i)), "10.0.0.1:1"), 401);
  EXPECT_EQ(status("rlnt_pat_" + std::string(64, 'a'), "10.0.0.1:2"), 429);
  EXPECT_EQ(status(world.token, "10.0.0.1:3"), 200) << "known to be good";
  EXPECT_EQ(status("rlnt_pat_" + std::string(64, 'a'), "10.0.0.2:1"), 401) << "another address";
}

TEST(ApiLimits, UnauthenticatedBodiesAreNotRead) {
  ApiWorld world;
  auto request = world.request("POST", "/api/v2/projects", std::string(1'000'000, 'x'));
  request.headers["authorization"] = "Bearer rlnt_pat_" + std::string(64, 'f');
  EXPECT_EQ(world.send(request).status, 401);
  EXPECT_EQ(world.http_server.bodies, 0);
}

TEST(ApiLimits, MemoryOfAUsersCallsIsLimited) {
  ApiOptions options;
  options.limits.call_bytes = std::size_t{6} << 20;  // a page of messages, and not two
  ApiWorld world(1, options);
  const std::string chat = world.new_chat();
  HandResponder slow;
  slow.stuck = true;
  TaskScope scope(world.root.context());
  scope.spawn(world.http_server.serve(world.request("GET", "/api/v2/chats/" + chat + "/messages"), slow));
  world.pass(std::chrono::milliseconds(1));
  const Reply refused = world.call("GET", "/chats/" + chat + "/messages");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.text("reason"), "LIMIT_CALL_BYTES");
  EXPECT_EQ(world.call("GET", "/chats/" + chat).status, 200) << "small ones have room";
  scope.cancel();
  world.pass(std::chrono::milliseconds(1));
  EXPECT_EQ(world.call("GET", "/chats/" + chat + "/messages").status, 200);
}

TEST(ApiLimits, LargeReadsOfAUserAreSequential) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  EXPECT_EQ(world.call("POST", "/chats/" + chat + "/messages", message(1)).status, 202);
  world.breakable->delay = std::chrono::milliseconds(10);
  for (const std::string path : {"/messages", "/updates?after=0"}) {
    std::deque<HandResponder> clients;
    TaskScope scope(world.root.context());
    const auto ask = [&] {
      HandResponder& client = clients.emplace_back();
      scope.spawn(world.http_server.serve(world.request("GET", "/api/v2/chats/" + chat + path), client));
    };
    const auto served = [&] {
      return std::ranges::count_if(
          clients, [](const HandResponder& each) { return each.streaming ? !each.text.empty() : each.response.has_value(); });
    };
    const Instant begun = world.clock.now();
    for (ask(); served() == 0;) world.pass(std::chrono::milliseconds(1));
    const Duration alone = world.clock.now() - begun;
    for (int i = 0; i < 3; ++i) ask();
    world.pass(alone);
    EXPECT_EQ(served(), 2) << path << ": the first one, and one of three";
    world.pass(3 * alone);
    EXPECT_EQ(served(), 4) << path;
    scope.cancel();
    world.pass(std::chrono::milliseconds(1));
  }
}

TEST(ApiLimits, TheAuditLogNamesUserAndAction) {
  ApiWorld world;
  const Reply made = world.call("POST", "/daemons/register", R"({"daemon_id":"a"})");
  EXPECT_EQ(world.call("DELETE", "/tokens/" + made.text("token_id")).status, 204);
  EXPECT_EQ(world.call("DELETE", "/tokens/" + made.text("token_id")).status, 204);  // audited once
  const std::string log = to_json(world.call("GET", "/audit?limit=10").body);
  EXPECT_NE(log.find("token.created"), std::string::npos);
  EXPECT_NE(log.find("token.revoked"), std::string::npos);
  EXPECT_EQ(log.find("token.revoked"), log.rfind("token.revoked"));
  EXPECT_EQ(world.call("GET", "/audit?limit=0").text("field"), "limit");
  world.token = world.foreign_token;
  EXPECT_EQ(to_json(world.call("GET", "/audit").body).find("token.revoked"), std::string::npos);
}

}  // namespace
}  // namespace reliant::api

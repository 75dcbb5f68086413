#include <gtest/gtest.h>

#include "unit/api/api_world.h"

namespace reliant::api {
namespace {

TEST(ApiTokens, ADaemonGetsATokenOfItsOwn) {
  ApiWorld world;
  const Reply reply = world.call("POST", "/daemons/register", R"({"daemon_id":"laptop-1","name":"my laptop"})");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.text("user_id"), "alice");
  EXPECT_EQ(reply.text("daemon_id"), "laptop-1");
  world.token = reply.text("token");
  EXPECT_EQ(world.call("GET", "/daemons").status, 200);
  const Reply list = world.call("GET", "/tokens");
  ASSERT_EQ(list.body.at("items").as_array().size(), 2u);
  EXPECT_NE(to_json(list.body).find(R"("name":"daemon my laptop")"), std::string::npos);
  EXPECT_EQ(to_json(list.body).find(world.token), std::string::npos);  // shown once
}

TEST(ApiTokens, EachRegistrationMakesAnotherToken) {
  ApiWorld world;
  const std::string body = R"({"daemon_id":"laptop-1"})";
  const std::string first = world.call("POST", "/daemons/register", body).text("token");
  const std::string second = world.call("POST", "/daemons/register", body).text("token");
  EXPECT_NE(first, second);
  world.token = first;
  EXPECT_EQ(world.call("GET", "/daemons").status, 200);
}

TEST(ApiTokens, ARegistrationThatMakesNoSenseIsRefusedWithItsField) {
  ApiWorld world;
  EXPECT_EQ(world.call("POST", "/daemons/register", "{}").text("field"), "daemon_id");
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a.b"})").text("field"), "daemon_id");
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a","name":""})").text("field"), "name");
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a","kind":"x"})").text("field"), "kind");
  world.token = std::string("rlnt_pat_") + std::string(64, 'e');
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a"})").status, 401);
}

TEST(ApiTokens, ATokenThatWasTakenBackIsRefusedFromThenOn) {
  ApiWorld world;
  const Reply made = world.call("POST", "/daemons/register", R"({"daemon_id":"a"})");
  const std::string path = "/tokens/" + made.text("token_id");
  const std::string owner = world.token;
  world.token = world.foreign_token;
  EXPECT_EQ(world.call("DELETE", path).status, 404);
  world.token = owner;
  EXPECT_EQ(world.call("DELETE", path).status, 204);
  EXPECT_EQ(world.call("DELETE", path).status, 204);
  const std::string list = to_json(world.call("GET", "/tokens").body);
  EXPECT_NE(list.find(R"("revoked_at":null)"), std::string::npos);  // of the owner's own
  EXPECT_NE(list.find(R"("revoked_at":"2)"), std::string::npos);
  world.token = made.text("token");
  const Reply refused = world.call("GET", "/daemons");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.text("reason"), kReasonTokenRevoked);
}

}  // namespace
}  // namespace reliant::api

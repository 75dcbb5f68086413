#include <gtest/gtest.h>

#include "base/digest.h"
#include "model/token.h"
#include "store/schema.h"
#include "unit/api/api_world.h"

namespace reliant::api {
namespace {

TEST(ApiTokens, ARegistrationIssuesADaemonToken) {
  ApiWorld world;
  const Reply reply = world.call("POST", "/daemons/register", R"({"daemon_id":"laptop-1","name":"my laptop"})");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.text("user_id"), "alice");
  EXPECT_EQ(reply.text("daemon_id"), "laptop-1");
  const Reply list = world.call("GET", "/tokens");
  ASSERT_EQ(list.body.at("items").as_array().size(), 2u);
  const std::string text = to_json(list.body);
  EXPECT_NE(text.find(R"("name":"daemon my laptop","kind":"daemon","daemon_id":"laptop-1")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("name":"t","kind":"user","daemon_id":"")"), std::string::npos) << text;
  EXPECT_EQ(text.find(reply.text("token")), std::string::npos);          // shown once
  EXPECT_EQ(reply.body.as_object().if_contains("expires_at"), nullptr);  // R65; and older daemons do not know the field
}

TEST(ApiTokens, ShowsTheCallersIdentity) {
  ApiWorld world;
  const Reply me = world.call("GET", "/me");
  EXPECT_EQ(me.status, 200);
  EXPECT_EQ(me.text("user_id"), "alice");
  EXPECT_EQ(me.body.at("token").at("kind").as_string(), "user");
  EXPECT_EQ(me.body.at("token").at("id"), world.call("GET", "/tokens").body.at("items").at(0).at("id"));
  EXPECT_EQ(world.call("GET", "/me?who=bob").status, 400);
}

TEST(ApiTokens, ADaemonsTokenReadsNothingAndMakesNoTokens) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  const std::string owner = world.token;
  world.token = world.call("POST", "/daemons/register", R"({"daemon_id":"laptop-1"})").text("token");
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{{"GET", "/chats"},
                                                                                     {"GET", "/chats/" + chat},
                                                                                     {"GET", "/chats/" + chat + "/updates"},
                                                                                     {"POST", "/projects"},
                                                                                     {"GET", "/daemons"},
                                                                                     {"GET", "/tokens"},
                                                                                     {"GET", "/audit"},
                                                                                     {"POST", "/daemons/register"}}) {
    const Reply refused = world.call(method, path, method == "POST" ? R"({"daemon_id":"other"})" : "");
    EXPECT_EQ(refused.status, 403) << method << " " << path;
    EXPECT_EQ(refused.text("code"), "PERMISSION_DENIED");
    EXPECT_EQ(refused.text("reason"), model::kReasonTokenScope);
    EXPECT_NE(refused.text("message").find("laptop-1"), std::string::npos);
  }
  world.token = owner;
  EXPECT_EQ(world.call("GET", "/tokens").body.at("items").as_array().size(), 2u);
  const std::string audit = to_json(world.call("GET", "/audit").body);
  EXPECT_NE(audit.find(R"("action":"token.refused.token_scope")"), std::string::npos) << audit;
}

TEST(ApiTokens, ATokenExpiresAtItsChosenTime) {
  ApiWorld world;
  for (const std::string days : {"0", "3651"}) {
    const Reply refused = world.call("POST", "/daemons/register", R"({"daemon_id":"a","expires_in_days":)" + days + "}");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.text("field"), "expires_in_days");
  }
  const Reply made = world.call("POST", "/daemons/register", R"({"daemon_id":"a","expires_in_days":30})");
  EXPECT_EQ(made.status, 201);
  EXPECT_FALSE(made.text("expires_at").empty());
  world.token = made.text("token");
  EXPECT_EQ(world.call("GET", "/daemons").status, 403);  // known, and of the wrong kind
  world.pass(std::chrono::days(30));
  const Reply expired = world.call("GET", "/daemons");
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(expired.text("reason"), model::kReasonTokenExpired);
}

TEST(ApiTokens, TheListSaysWhenATokenWasLastUsed) {
  ApiWorld world;
  world.call("GET", "/chats");
  EXPECT_EQ(to_json(world.call("GET", "/tokens").body).find(R"("last_used_at":null)"), std::string::npos);
}

// Tokens of a database that has no kinds yet keep what they could do.
TEST(ApiTokens, TokensOfAnOlderDatabaseAreUserTokens) {
  ApiWorld world;
  const auto database = *adapters::SqliteDatabase::open(":memory:");
  store::Store store(*database, world.clock, Random(9));
  world.run([](ports::Database& old, store::Store& upgraded) -> Task<void> {
    EXPECT_TRUE((co_await old.run_script("CREATE TABLE schema_version (version BIGINT PRIMARY KEY)", kNever)).ok());
    for (const store::Migration& migration : store::migrations()) {
      if (migration.version > 6) break;
      EXPECT_TRUE((co_await old.run_script(migration.sql, kNever)).ok());
    }
    const std::string secret = sha256_hex("rlnt_pat_old");
    EXPECT_TRUE((co_await old.run_script(concat("INSERT INTO users VALUES ('ann', 'Ann', 1); INSERT INTO tokens VALUES "
                                                "('token_1', 'ann', 'daemon laptop', '",
                                                secret, "', 1, NULL)"),
                                         kNever))
                    .ok());
    EXPECT_TRUE((co_await upgraded.migrate(kNever)).ok());
    const auto token = co_await upgraded.tokens().authenticate("rlnt_pat_old", kNever);
    EXPECT_TRUE(token.ok()) << token.status();
    if (!token.ok()) co_return;
    EXPECT_EQ(token->kind, model::TokenKind::kUser);
    EXPECT_EQ(token->expires_at, std::nullopt);
  }(*database, store));
}

TEST(ApiTokens, EachRegistrationMakesAnotherToken) {
  ApiWorld world;
  const std::string body = R"({"daemon_id":"laptop-1"})";
  const std::string first = world.call("POST", "/daemons/register", body).text("token");
  const std::string second = world.call("POST", "/daemons/register", body).text("token");
  EXPECT_NE(first, second);
  world.token = first;
  EXPECT_EQ(world.call("GET", "/daemons").status, 403) << "known";
}

TEST(ApiTokens, AnInvalidRegistrationIsRefusedWithItsField) {
  ApiWorld world;
  EXPECT_EQ(world.call("POST", "/daemons/register", "{}").text("field"), "daemon_id");
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a.b"})").text("field"), "daemon_id");
  for (const char* kind : {"local", "cloud", "any"}) {
    const Reply refused = world.call("POST", "/daemons/register", concat(R"({"daemon_id":")", kind, R"("})"));
    EXPECT_EQ(refused.status, 400) << kind;
    EXPECT_EQ(refused.text("field"), "daemon_id") << "C21";
  }
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a","name":""})").text("field"), "name");
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a","kind":"x"})").text("field"), "kind");
  world.token = std::string("rlnt_pat_") + std::string(64, 'e');
  EXPECT_EQ(world.call("POST", "/daemons/register", R"({"daemon_id":"a"})").status, 401);
}

TEST(ApiTokens, ARevokedTokenIsRefused) {
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

// What clients see when something that the server needs fails: in time, and in no words but ours.
#include <gtest/gtest.h>

#include <algorithm>

#include "api/errors.h"
#include "base/disk_full.h"
#include "unit/api/api_world.h"

namespace reliant::api {
namespace {

constexpr std::string_view kLibrary = "connection to server at \"db.internal\", port 5432 failed";

bool is_in_log(const ApiWorld& world, std::string_view part) {
  return std::ranges::any_of(world.log.texts, [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

TEST(ApiFailures, AFullDiskHasItsOwnErrorAndReadyFailsUntilThereIsRoom) {
  ApiWorld world;
  world.breakable->writes = with_reason(resource_exhausted("no room for database /secret/reliant.db"), kReasonDiskFull);
  const Reply refused = world.call("POST", "/projects", R"({"name":"p","path":"/p"})");
  EXPECT_EQ(refused.status, 507);
  EXPECT_EQ(refused.text("code"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(refused.text("reason"), "DISK_FULL");
  EXPECT_NE(refused.text("message").find("no room left on its disk"), std::string::npos);
  EXPECT_EQ(refused.text("message").find("secret"), std::string::npos);
  EXPECT_TRUE(is_in_log(world, "/secret/reliant.db"));
  EXPECT_EQ(world.call("GET", "/projects").status, 200) << "what is there can be read";
  const Reply not_ready = world.send(world.request("GET", "/ready"));
  EXPECT_EQ(not_ready.status, 503);
  EXPECT_EQ(not_ready.text("message"), "there is no room on the disk of the database");
  world.breakable->writes = ok_status();
  world.pass(store::Writable::kLookAgain);
  EXPECT_EQ(world.send(world.request("GET", "/ready")).status, 200);
}

TEST(ApiFailures, ReadyDetectsAFullDiskWithoutAWrite) {
  ApiWorld world;
  EXPECT_EQ(world.send(world.request("GET", "/ready")).status, 200);
  world.breakable->writes = with_reason(resource_exhausted("no room"), kReasonDiskFull);
  world.pass(store::Writable::kLookEvery);
  const Reply not_ready = world.send(world.request("GET", "/ready"));
  EXPECT_EQ(not_ready.status, 503);
  EXPECT_EQ(not_ready.text("message"), "there is no room on the disk of the database");
  world.breakable->writes = ok_status();
  world.pass(store::Writable::kLookAgain);
  EXPECT_EQ(world.send(world.request("GET", "/ready")).status, 200);
}

TEST(ApiFailures, ReportsADatabaseThatIsDownWithinTwoSecondsWithoutTheLibrarysText) {
  ApiWorld world;
  world.breakable->down = unavailable(kLibrary);
  for (const bool silent : {false, true}) {
    world.breakable->silent = silent;
    const Instant before = world.executor.now();
    const Reply reply = world.call("GET", "/chats");
    EXPECT_EQ(reply.status, 503) << silent;
    EXPECT_LE(world.executor.now() - before, std::chrono::seconds(2)) << silent;
    EXPECT_EQ(reply.text("message"), concat("the server cannot do this at the moment; try again in a while (its log has it as ",
                                            reply.text("request_id"), ")"));
    EXPECT_TRUE(reply.headers.contains("retry-after"));
  }
  EXPECT_TRUE(is_in_log(world, kLibrary));
}

TEST(ApiFailures, ReadyNamesAFailedDependencyWithoutItsAddress) {
  ApiWorld world;
  world.breakable->down = unavailable(kLibrary);
  const Reply database = world.send(world.request("GET", "/ready"));
  EXPECT_EQ(database.status, 503);
  EXPECT_EQ(database.text("message"), "the database does not answer");
  world.breakable->down = ok_status();
  world.temporal.away = true;
  const Reply engine = world.send(world.request("GET", "/ready"));
  EXPECT_EQ(engine.text("message"), "the workflow engine does not answer");
  EXPECT_TRUE(is_in_log(world, kLibrary));
  EXPECT_TRUE(is_in_log(world, "Temporal is away"));
}

TEST(ApiFailures, DatabaseErrorsHideTheLibrarysText) {
  for (const std::string_view reason : {"DATABASE_DOWN", "DATABASE_NOT_CONNECTED"}) {
    const Status down = with_reason(unavailable(kLibrary), reason);
    EXPECT_TRUE(hides_cause(down));
    const std::string body = error_response(down, "req_1", "/").body;
    EXPECT_EQ(body.find("db.internal"), std::string::npos) << reason;
    EXPECT_NE(body.find(R"("reason":"DATABASE_DOWN")"), std::string::npos) << reason;
  }
}

TEST(ApiFailures, ACommitInDoubtIsUnavailable) {
  const Status in_doubt = with_reason(unknown(kLibrary), kReasonCommitUnknown);
  EXPECT_TRUE(hides_cause(in_doubt));
  const ports::HttpServerResponse response = error_response(in_doubt, "req_1", "/");
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.headers.contains("retry-after"));
  EXPECT_NE(response.body.find(R"("code":"UNAVAILABLE")"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find(R"("reason":"COMMIT_UNKNOWN")"), std::string::npos) << response.body;
  EXPECT_EQ(response.body.find("db.internal"), std::string::npos) << response.body;
}

TEST(ApiFailures, TheServersOwnErrorsReachTheClient) {
  const Status limit = with_reason(resource_exhausted("you may send 12 messages a minute"), "LIMIT_MESSAGES");
  const ports::HttpServerResponse response = error_response(limit, "req_1", "/");
  EXPECT_EQ(response.status, 429);
  EXPECT_NE(response.body.find("12 messages a minute"), std::string::npos);
  EXPECT_FALSE(hides_cause(limit));
}

}  // namespace
}  // namespace reliant::api

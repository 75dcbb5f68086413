#include <gtest/gtest.h>

#include "api/router.h"

namespace reliant::api {
namespace {

TEST(Router, FindsTheEndpointAndTheIdInThePath) {
  const auto route = find_route("POST", "/api/v2/chats/chat_1/messages");
  ASSERT_TRUE(route.ok());
  EXPECT_EQ(route->route->pattern, "/api/v2/chats/{id}/messages");
  EXPECT_EQ(route->route->traits.quota, Quota::kStoredBytes);
  EXPECT_EQ(route->id, "chat_1");
}

TEST(Router, DistinguishesChatsFromAChat) {
  EXPECT_EQ(find_route("GET", "/api/v2/chats")->route->pattern, "/api/v2/chats");
  EXPECT_EQ(find_route("GET", "/api/v2/chats/c")->route->pattern, "/api/v2/chats/{id}");
}

TEST(Router, RejectsOtherPaths) {
  for (const char* path : {"/", "/api/v2", "/api/v2/chats/", "/api/v2/chats//messages", "/api/v2/chats/c/messages/1",
                           "/api/v1/chats", "/api/v2/chats/c/message"}) {
    EXPECT_EQ(find_route("GET", path).status().code(), StatusCode::kNotFound) << path;
  }
}

TEST(Router, SuggestsPathsForAnUnknownPath) {
  const Status status = find_route("GET", "/api/v2/nope").status();
  EXPECT_TRUE(message_of(status).starts_with("the API has no path /api/v2/nope; it has /health, /ready, /api/v2/projects, "))
      << status;
  EXPECT_NE(message_of(status).find(", /api/v2/chats, "), std::string_view::npos) << status;
}

TEST(Router, NamesTheMethodsThatAPathHas) {
  const Status status = find_route("PUT", "/api/v2/chats/c").status();
  EXPECT_EQ(reason_of(status), kReasonMethodNotAllowed);
  EXPECT_EQ(allowed_methods("/api/v2/chats/c"), "GET, PATCH, DELETE");
}

}  // namespace
}  // namespace reliant::api

#include "app/cross_origin.h"

#include <gtest/gtest.h>

namespace reliant::app {
namespace {

TEST(CrossOrigin, LetsAllPagesReadWithoutCookies) {
  const auto headers = cross_origin_headers({"*"}, "https://a.example");
  EXPECT_EQ(headers, (ports::HttpHeaders{{"access-control-allow-origin", "*"}}));
}

TEST(CrossOrigin, LetsTheNamedPagesReadAndNoOthers) {
  const std::vector<std::string> origins = {"https://a.example", "https://b.example"};
  EXPECT_EQ(cross_origin_headers(origins, "https://b.example"),
            (ports::HttpHeaders{{"access-control-allow-origin", "https://b.example"}, {"vary", "origin"}}));
  EXPECT_TRUE(cross_origin_headers(origins, "https://c.example").empty());
  EXPECT_TRUE(cross_origin_headers({}, "https://a.example").empty());
}

TEST(CrossOrigin, AnyPortOfASiteIsThatSiteAlone) {
  const auto may_read = [](const char* origin) { return !cross_origin_headers({"http://localhost:*"}, origin).empty(); };
  EXPECT_TRUE(may_read("http://localhost"));
  EXPECT_TRUE(may_read("http://localhost:5173"));
  EXPECT_FALSE(may_read("http://localhost.example.com"));
  EXPECT_FALSE(may_read("http://localhost:80.example.com"));
  EXPECT_FALSE(may_read("http://localhost:"));
  EXPECT_FALSE(may_read("https://localhost:5173"));
}

}  // namespace
}  // namespace reliant::app

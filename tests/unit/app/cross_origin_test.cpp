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

}  // namespace
}  // namespace reliant::app

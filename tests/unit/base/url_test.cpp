#include "base/url.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reliant::tests {
namespace {

TEST(HostPort, IsReadAndWritten) {
  for (const char* text : {"localhost:8080", "127.0.0.1:0", "[::1]:65535", "a-b.c_d:1"}) {
    const auto parsed = parse_host_port(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->str(), text);
  }
  EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_host_port(":80")->host, "");
  for (const char* text : {"", "host", "host:", "host:x", "host:65536", "host:-1", "host:1:2", "[::1", "[::1]80", "[no]:1",
                           "[1.2.3.4]:1", "a b:1"}) {
    EXPECT_EQ(parse_host_port(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(HttpUrl, IsTakenApart) {
  const auto url = parse_http_url("HTTPS://Example.org:8443/a/b?c=d#part");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_TRUE(url->secure);
  EXPECT_EQ(url->server.host, "Example.org");
  EXPECT_EQ(url->server.port, 8443);
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(parse_http_url("http://h")->target, "/");
  EXPECT_EQ(parse_http_url("http://h?x")->target, "/?x");
  EXPECT_EQ(parse_http_url("http://h#x")->target, "/");
  EXPECT_EQ(parse_http_url("http://h")->server.port, 80);
  EXPECT_EQ(parse_http_url("https://[::1]")->server.port, 443);
}

TEST(HttpUrl, ToAnotherMachineInPlainTextIsReadableOnTheWay) {
  for (const char* url : {"http://reliant.example.org", "http://10.0.0.7:8080", "http://[2001:db8::1]"})
    EXPECT_TRUE(is_readable_on_the_way(*parse_http_url(url))) << url;
  for (const char* url : {"https://reliant.example.org", "http://localhost:8080", "http://127.0.0.2", "http://[::1]:8080"})
    EXPECT_FALSE(is_readable_on_the_way(*parse_http_url(url))) << url;
}

TEST(HttpTarget, IsDecoded) {
  const auto target = parse_http_target("/a%20b+c/%c3%BC?x=1&&y&x=a+b%3D%26&=z");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->path, "/a b+c/\xc3\xbc");
  const std::vector<std::pair<std::string, std::string>> wanted = {{"x", "1"}, {"y", ""}, {"x", "a b=&"}, {"", "z"}};
  EXPECT_EQ(target->query, wanted);
  for (const char* text : {"", "x", "*", "/%", "/%2", "/%zz", "/%00", "/?a=%0"}) {
    EXPECT_EQ(parse_http_target(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(ValidHeader, LetsNoLineEndThrough) {
  EXPECT_TRUE(valid_header("x-a", "value \xc3\xbc\t"));
  for (const std::string& value : {std::string("a\r\nb"), std::string("a\nb"), std::string("\r"), std::string(1, 0)}) {
    EXPECT_FALSE(valid_header("x-a", value));
  }
  for (const char* name : {"", "a b", "a:b", "a\n", "\xc3\xbc"}) EXPECT_FALSE(valid_header(name, "v")) << name;
}

RC_GTEST_PROP(HttpTargetProperty, ReadsBackWhatWasEncoded, ()) {
  const auto byte = rc::gen::map(rc::gen::inRange(1, 256), [](int value) { return static_cast<char>(value); });
  const auto text = rc::gen::container<std::string>(byte);
  const std::string segment = *text;
  const auto query =
      *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(rc::gen::nonEmpty(text), text));
  std::string target = "/" + percent_encode(segment) + "?";
  for (const auto& [name, value] : query) target += percent_encode(name) + "=" + percent_encode(value) + "&";
  const auto parsed = parse_http_target(target);
  RC_ASSERT(parsed.ok());
  RC_ASSERT((parsed->path == "/" + segment));
  RC_ASSERT(parsed->query == query);
}

// For any input: a URL or an error, and an accepted URL can be sent as one request line.
RC_GTEST_PROP(HttpUrlProperty, NeverGivesATargetThatIsMoreThanOneLine, ()) {
  const auto piece = rc::gen::elementOf(std::vector<std::string>{"http://", "https://", "h", ":", "80", "/", "?", "#", "%", "@",
                                                                 "[", "]", " ", "\r\n", "\t", "\xff", "a=b", "&"});
  std::string url = *rc::gen::elementOf(std::vector<std::string>{"", "http://h", "https://"});
  for (const std::string& part : *rc::gen::container<std::vector<std::string>>(piece)) url += part;
  const auto parsed = parse_http_url(url);
  if (!parsed.ok()) return;
  RC_ASSERT(parsed->target.find_first_of(" \r\n\t") == std::string::npos);
  RC_ASSERT(parsed->target.starts_with("/"));
  RC_ASSERT(!parsed->server.host.empty());
}

}  // namespace
}  // namespace reliant::tests

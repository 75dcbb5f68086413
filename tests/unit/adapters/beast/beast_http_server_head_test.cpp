// Requests that two readers could understand differently are refused, and the connection ends with that answer: what follows
// on it is never taken for a request (RFC 9112, 11.2). Then the cases of the public suite h1spec.
#include <gtest/gtest.h>

#include "unit/adapters/beast/raw_http_client.h"

namespace reliant::tests {
namespace {

struct Case {
  std::string_view what;
  std::string_view request;
  int status;
};

void PrintTo(const Case& tried, std::ostream* out) { *out << tried.what; }

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::string status_line(int status) { return concat("HTTP/1.1 ", status, ' '); }

class RefusedHead : public BeastHttpServerTest, public testing::WithParamInterface<Case> {};

TEST_P(RefusedHead, EndsTheConnectionWithOneAnswer) {
  listen();
  // What a proxy that understands the head otherwise would have taken for the body.
  const std::string smuggled = "0\r\n\r\nGET /status?code=200 HTTP/1.1\r\nhost: x\r\n\r\n";
  const std::string answer = say(concat(GetParam().request, smuggled));
  EXPECT_TRUE(answer.starts_with(status_line(GetParam().status))) << answer;
  EXPECT_EQ(count(answer, "content-length: "), 1u) << answer;
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos) << answer;
  EXPECT_EQ(service_.calls(), 0);
}

constexpr Case kAmbiguous[] = {
    {"chunked twice in one line", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n", 400},
    {"chunked twice in two lines",
     "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n", 400},
    {"xchunked", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n", 400},
    {"gzip", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n", 400},
    {"gzip and chunked", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 501},
    {"gzip and chunked in two lines",
     "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n", 400},
    {"chunked in quotes", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: \"chunked\"\r\n\r\n", 400},
    {"chunked and then identity", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n", 400},
    {"identity", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: identity\r\n\r\n", 400},
    {"chunked with a parameter", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked;q=1\r\n\r\n", 400},
    {"an empty coding", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding:\r\n\r\n", 400},
    {"a comma before chunked", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: , chunked\r\n\r\n", 501},
    {"bytes above 127", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\xff\r\n\r\n", 400},
    {"a blank before the colon", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n", 400},
    {"chunked in HTTP/1.0", "POST /echo HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", 400},
    {"a length and chunked", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400},
    {"chunked and a length", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n", 400},
    {"a length and gzip", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: gzip\r\n\r\n", 400},
    {"two lengths", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", 400},
    {"one length twice", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n", 400},
    {"a list of lengths", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5, 5\r\n\r\n", 400},
    {"a length with a sign", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: +5\r\n\r\n", 400},
    {"an empty length", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length:\r\n\r\n", 400},
    {"a hexadecimal length", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 0x5\r\n\r\n", 400},
    {"two hosts", "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", 400},
    {"one host twice", "GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400},
    {"two hosts in HTTP/1.0", "GET / HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n", 400},
    {"two hosts in one line", "GET / HTTP/1.1\r\nhost: x, y\r\n\r\n", 400},
    {"a host with a path", "GET / HTTP/1.1\r\nhost: x/y\r\n\r\n", 400},
    {"a host with a user", "GET / HTTP/1.1\r\nhost: u@x\r\n\r\n", 400},
    {"no host", "GET / HTTP/1.1\r\naccept: */*\r\n\r\n", 400},
    {"a bare line feed in the head", "GET / HTTP/1.1\nhost: x\r\n\r\n", 400},
};
INSTANTIATE_TEST_SUITE_P(Ambiguous, RefusedHead, testing::ValuesIn(kAmbiguous));

// h1spec, the requests that it wants to be refused (any 4xx or 5xx).
constexpr Case kRefusedInH1spec[] = {
    {"no version", "GET / \r\n\r\n", 400},
    {"invalid characters in a name", "GET / HTTP/1.1\r\nHost: example.com\r\nX-Invalid[]: test\r\n\r\n", 400},
    {"a missing host", "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400},
    {"several hosts", "GET / HTTP/1.1\r\nHost: example.com\r\nHost: example.org\r\n\r\n", 400},
    {"a negative length that overflows",
     "GET / HTTP/1.1\r\nHost: example.com\r\nContent-Length: -123456789123456789123456789\r\n\r\n", 400},
    {"a negative length", "GET / HTTP/1.1\r\nHost: example.com\r\nContent-Length: -1234\r\n\r\n", 400},
    {"a length in letters", "GET / HTTP/1.1\r\nHost: example.com\r\nContent-Length: abc\r\n\r\n", 400},
    {"a control character in a value", "GET / HTTP/1.1\r\nHost: example.com\r\nX-Bad-Control-Char: test\x07\r\n\r\n", 400},
    {"a version that there is not", "GET / HTTP/9.9\r\nHost: example.com\r\n\r\n", 400},
    {"words before the method", "Extra lineGET / HTTP/1.1\r\nHost: example.com\r\n\r\n", 400},
    {"a carriage return alone", "GET / HTTP/1.1\r\nHost: example.com\r\n\rSome-Header: Test\r\n\r\n", 400},
    {"a length beside chunks", "GET / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
     400},
};
INSTANTIATE_TEST_SUITE_P(H1spec, RefusedHead, testing::ValuesIn(kRefusedInH1spec));

class TakenHead : public BeastHttpServerTest, public testing::WithParamInterface<Case> {};

TEST_P(TakenHead, IsAnswered) {
  listen();
  const std::string answer = say(GetParam().request);
  EXPECT_NE(answer.find(status_line(GetParam().status)), std::string::npos) << answer;
  EXPECT_EQ(service_.calls(), 1);
}

constexpr Case kTaken[] = {
    {"a plain request", "GET /echo HTTP/1.1\r\nHost: example.com\r\nconnection: close\r\n\r\n", 200},
    {"a tab before the host, and an empty value",
     "GET /echo HTTP/1.1\r\nhoSt:\texample.com\r\nempty:\r\nconnection: close\r\n\r\n", 200},
    {"a value of blanks", "GET /echo HTTP/1.1\r\nHost: example.com\r\nX-Empty-Header: \r\nconnection: close\r\n\r\n", 200},
    {"an expectation", "GET /echo HTTP/1.1\r\nHost: example.com\r\nExpect: 100-continue\r\nconnection: close\r\n\r\n", 200},
    {"a body", "POST /echo HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\nconnection: close\r\n\r\nhello", 200},
    {"the URL that a proxy is asked for",
     "GET http://example.com/echo HTTP/1.1\r\nHost: example.com\r\nconnection: close\r\n\r\n", 200},
    {"chunked in other letters",
     "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \tChunked \r\nconnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n", 200},
    {"a host with a port", "GET /echo HTTP/1.1\r\nHost: [::1]:8080\r\nconnection: close\r\n\r\n", 200},
    {"an empty host", "GET /echo HTTP/1.1\r\nHost:\r\nconnection: close\r\n\r\n", 200},
    {"a client of old", "GET /echo HTTP/1.0\r\n\r\n", 200},
};
INSTANTIATE_TEST_SUITE_P(Requests, TakenHead, testing::ValuesIn(kTaken));

using BeastHttpServerHeadTest = BeastHttpServerTest;

// h1spec, "fragmented": the server waits for the rest, wherever the request is cut.
TEST_F(BeastHttpServerHeadTest, ParsesTheSameInAnyFragments) {
  listen();
  ticker();
  const std::string request = "GET /status?code=200 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    RawClient client(world_, listener_->address());
    client.send(std::string_view(request).substr(0, cut));
    int looks = 0;
    world_.run_until([&] { return ++looks > 3; });
    client.send(std::string_view(request).substr(cut));
    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 200 ")) << request.substr(0, cut);
  }
}

// A field behind the body must not pass for one of the head, which a proxy may have looked at or taken out.
TEST_F(BeastHttpServerHeadTest, HasNoFieldsOfTheTrailer) {
  listen();
  const std::string answer =
      say("POST /echo HTTP/1.1\r\nhost: x\r\nx-before: 1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
          "1\r\na\r\n0\r\nx-after: 2\r\nhost: y\r\n\r\n");
  EXPECT_NE(answer.find("\"x-before\":\"1\""), std::string::npos) << answer;
  EXPECT_EQ(answer.find("x-after"), std::string::npos) << answer;
}

}  // namespace
}  // namespace reliant::tests

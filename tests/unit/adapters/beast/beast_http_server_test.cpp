// What only bytes on a socket can show of BeastHttpServer; the rest is in tests/contract/http_server_contract.h.
#include "adapters/beast/beast_http_server.h"

#include <gtest/gtest.h>

#include "unit/adapters/beast/raw_http_client.h"

namespace reliant::tests {
namespace {

TEST_F(BeastHttpServerTest, AnswersAMalformedRequestWithAJsonError) {
  listen();
  for (const char* request : {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n",
                              "GET / HTTP/1.1\r\n\r\n", "GET no-slash HTTP/1.1\r\nhost: x\r\n\r\n",
                              "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n"}) {
    const std::string answer = say(request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << request << answer;
    EXPECT_NE(answer.find("\"code\":\"INVALID_ARGUMENT\""), std::string::npos) << answer;
    EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos) << answer;
  }
  EXPECT_EQ(service_.calls(), 0);
}

TEST_F(BeastHttpServerTest, KeepsTheConnectionForTheNextRequest) {
  listen();
  ticker();
  RawClient client(world_, listener_->address());
  for (int i = 1; i <= 3; ++i) {
    client.send("GET /status?code=200 HTTP/1.1\r\nhost: x\r\n\r\n");
    world_.run_until([&] { return service_.calls() == i; });
  }
  client.send("GET /status?code=201 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_EQ(service_.calls(), 4);
  EXPECT_NE(answer.find("HTTP/1.1 201 Created"), std::string::npos) << answer;
}

TEST_F(BeastHttpServerTest, AnswersPipelinedRequestsInOrder) {
  listen();
  const std::string answer =
      say("GET /status?code=200 HTTP/1.1\r\nhost: x\r\n\r\nGET /status?code=404 HTTP/1.1\r\nhost: x\r\n\r\n"
          "GET /three HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  const std::size_t first = answer.find("200 OK");
  const std::size_t second = answer.find("404 Not Found");
  const std::size_t third = answer.find("4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n0\r\n\r\n");
  EXPECT_TRUE(first < second && second < third && third != std::string::npos) << answer;
}

TEST_F(BeastHttpServerTest, SaysContinueToAClientThatAsks) {
  listen();
  ticker();
  RawClient client(world_, listener_->address());
  client.send("POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_NE(client.read_all().find("\"body\":\"body\""), std::string::npos);
}

TEST_F(BeastHttpServerTest, ReadsNoBodyOfARequestThatItsHandlerRefuses) {
  listen();
  const std::string answer = say("POST /refused HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 ")) << answer;
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos) << answer;
  const std::string two =
      say("GET /refused HTTP/1.1\r\nhost: x\r\n\r\nGET /three HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(two.starts_with("HTTP/1.1 401 ")) << two;
  EXPECT_NE(two.find("HTTP/1.1 200 "), std::string::npos) << "a connection without an unread body goes on: " << two;
}

TEST_F(BeastHttpServerTest, ClosesConnectionsBeyondTheLimitOfAnAddress) {
  ports::HttpServerLimits limits;
  limits.max_connections_per_address = 2;
  listen(limits);
  ticker();
  RawClient first(world_, listener_->address());
  auto second = std::make_unique<RawClient>(world_, listener_->address());
  for (RawClient* client : {&first, second.get()}) {
    client->send("GET /status?code=200 HTTP/1.1\r\nhost: x\r\n\r\n");
    EXPECT_NE(client->read_until("told so").find("200"), std::string::npos);
  }
  EXPECT_EQ(say("GET /three HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), "");
  second.reset();
  std::string answer;
  for (int i = 0; i < 1000 && answer.empty(); ++i) answer = say("GET /three HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << "there is room again";
}

TEST_F(BeastHttpServerTest, ReadsAChunkedBody) {
  listen();
  const std::string answer =
      say("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
          "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("\"body\":\"abcde\""), std::string::npos) << answer;
}

TEST_F(BeastHttpServerTest, StreamsToAnOldClientUntilTheEndOfTheConnection) {
  listen();
  const std::string answer = say("GET /three HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\none,two,three")) << answer;
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
}

TEST_F(BeastHttpServerTest, SendsNoBodyToHead) {
  listen();
  const std::string answer = say("HEAD /status?code=200 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_NE(answer.find("content-length: 7\r\n"), std::string::npos) << answer;
}

TEST_F(BeastHttpServerTest, ClosesAConnectionThatSendsNothing) {
  ports::HttpServerLimits limits;
  limits.idle_timeout = std::chrono::milliseconds(30);
  listen(limits);
  EXPECT_EQ(say(""), "");
}

TEST_F(BeastHttpServerTest, AnswersASlowClientWithATimeout) {
  ports::HttpServerLimits limits;
  limits.idle_timeout = std::chrono::milliseconds(30);
  listen(limits);
  const std::string answer = say("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
}

// A client that took a little now and then once kept its answer in memory for as long as it liked.
TEST_F(BeastHttpServerTest, ClosesAConnectionWhoseClientReadsTooSlowly) {
  ports::HttpServerLimits limits;
  limits.idle_timeout = std::chrono::seconds(1);
  limits.min_rate = std::size_t{1} << 30;
  listen(limits);
  ticker();
  RawClient client(world_, listener_->address());
  client.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n");
  std::size_t got = 0;
  const Instant begun = world_.executor().now();
  Instant next = begun;
  ASSERT_TRUE(world_.run_until([&] {
    if (world_.executor().now() >= next) {  // 800 kB a second of 32 MB: there is progress all the time
      got += client.read_some(4096);
      next = world_.executor().now() + std::chrono::milliseconds(5);
    }
    return service_.last_write().has_value();
  }));
  EXPECT_EQ(service_.last_write()->code(), StatusCode::kUnavailable);
  EXPECT_GE(world_.executor().now() - begun, limits.idle_timeout);
  EXPECT_LT(got, 32u << 20);
}

TEST_F(BeastHttpServerTest, DropsATruncatedRequest) {
  listen();
  ticker();
  RawClient client(world_, listener_->address());
  client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc");
  client.finish_sending();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(service_.calls(), 0);
}

TEST_F(BeastHttpServerTest, AnswersAClientThatHasHalfClosed) {
  listen();
  ticker();
  RawClient client(world_, listener_->address());
  client.send("GET /status?code=200 HTTP/1.1\r\nhost: x\r\n\r\n");
  client.finish_sending();
  EXPECT_NE(client.read_all().find("told so"), std::string::npos);
}

TEST_F(BeastHttpServerTest, ClosesIdleConnectionsWhenItDrains) {
  listen();
  ticker();
  RawClient client(world_, listener_->address());
  client.send("GET /status?code=200 HTTP/1.1\r\nhost: x\r\n\r\n");
  client.read_until("told so");
  const Instant before = world_.executor().now();
  EXPECT_TRUE(get(drained(*listener_, in(kLong))));
  EXPECT_LT(world_.executor().now() - before, std::chrono::seconds(5));
  client.read_all();
}

}  // namespace
}  // namespace reliant::tests

// What every HttpServer promises, as tests. The world is described in http_client_contract_service.h. Instantiate
// `HttpServerContract` with it.
#pragma once

#include "contract/http/http_client_contract_service.h"

namespace reliant::tests {

template <class World>
class HttpServerContract : public HttpClientContractBase<World> {};
TYPED_TEST_SUITE_P(HttpServerContract);

TYPED_TEST_P(HttpServerContract, GivesTheHandlerMethodPathQueryHeadersAndBody) {
  this->listen();
  ports::HttpRequest request = get_request(this->url("/echo?b=2&a=one+two&a=%C3%BC%26&flag"));
  request.method = "PUT";
  request.headers = {{"x-first", "1"}, {"X-Second", "two words"}};
  request.body = std::string("body\r\n\0 end", 11);
  const auto answer = this->ask(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.at("content-type"), "application/json");
  EXPECT_EQ(answer->headers.at("x-answer"), "42");
  const json::value wanted{{"method", "PUT"},
                           {"path", "/echo"},
                           {"body", request.body},
                           {"query", json::array{json::array{"b", "2"}, json::array{"a", "one two"},
                                                 json::array{"a", "\xc3\xbc&"}, json::array{"flag", ""}}},
                           {"x-first", "1"},
                           {"x-second", "two words"},
                           {"peer_known", true},
                           {"admission", "seen"}};
  EXPECT_EQ(*parse_json(answer->body), wanted);
}

TYPED_TEST_P(HttpServerContract, DecodesThePath) {
  this->listen();
  const auto answer = this->ask("/%65ch%6F");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 200);
}

TYPED_TEST_P(HttpServerContract, AnswersABadEscapeItself) {
  this->listen();
  const auto answer = this->ask("/echo%zz");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 400);
  EXPECT_NE(answer->body.find("hexadecimal"), std::string::npos) << answer->body;
  EXPECT_EQ(this->service_.calls(), 0);
}

TYPED_TEST_P(HttpServerContract, PassesEveryStatusThrough) {
  this->listen();
  for (const int status : {200, 201, 202, 204, 301, 400, 404, 429, 500, 503}) {
    const auto answer = this->ask(concat("/status?code=", status));
    ASSERT_TRUE(answer.ok()) << status << ": " << answer.status();
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(answer->body, status == 204 ? "" : "told so");
  }
}

TYPED_TEST_P(HttpServerContract, RefusesABodyAboveTheLimit) {
  ports::HttpServerLimits limits;
  limits.max_body = 1000;
  this->listen(limits);
  ports::HttpRequest request = get_request(this->url("/echo"));
  request.method = "POST";
  request.body = std::string(1000, 'x');
  EXPECT_EQ(this->ask(request)->status, 200);
  request.body += 'x';
  const auto answer = this->ask(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 413);
  EXPECT_NE(answer->body.find("1000 bytes"), std::string::npos) << answer->body;
  request.body = std::string(8 * 1024 * 1024, 'x');  // more than sockets hold
  const auto big = this->ask(request);
  ASSERT_TRUE(big.ok()) << big.status();
  EXPECT_EQ(big->status, 413);
  EXPECT_EQ(this->service_.calls(), 1);
}

TYPED_TEST_P(HttpServerContract, LetsTheHandlerRefuseARequestByItsHead) {
  this->listen();
  ports::HttpRequest request = get_request(this->url("/refused"));
  EXPECT_EQ(this->ask(request)->status, 401);
  request.method = "POST";
  request.body = std::string(1'000'000, 'x');
  const auto answer = this->ask(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(answer->body, "not you");
  EXPECT_EQ(this->ask("/throw-at-once")->status, 500);
  EXPECT_EQ(this->service_.admitted(), 3);
  EXPECT_EQ(this->service_.calls(), 0);
  EXPECT_EQ(this->ask("/echo")->status, 200);
}

TYPED_TEST_P(HttpServerContract, RefusesAHeadAboveTheLimit) {
  ports::HttpServerLimits limits;
  limits.max_header = 2000;
  this->listen(limits);
  ports::HttpRequest request = get_request(this->url("/echo"));
  request.headers["x-long"] = std::string(1000, 'x');
  EXPECT_EQ(this->ask(request)->status, 200);
  request.headers["x-long"] += std::string(1000, 'x');
  const auto answer = this->ask(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 431);
  EXPECT_EQ(this->service_.calls(), 1);
}

TYPED_TEST_P(HttpServerContract, AnswersForAHandlerThatDoesNot) {
  this->listen();
  EXPECT_EQ(this->ask("/silent")->status, 500);
  EXPECT_EQ(this->ask("/throw")->status, 500);
  EXPECT_EQ(this->ask("/echo")->status, 200);
}

TYPED_TEST_P(HttpServerContract, TakesOneAnswerARequest) {
  this->listen();
  EXPECT_EQ(this->ask("/twice")->status, 200);
  ASSERT_TRUE(this->world_.run_until([&] { return this->service_.second_answer().has_value(); }));
  EXPECT_EQ(this->service_.second_answer()->code(), StatusCode::kFailedPrecondition);
}

TYPED_TEST_P(HttpServerContract, StreamsPartsInOrderAndEndsTheStream) {
  this->listen();
  const auto answer = this->ask("/three");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(answer->body, "one,two,three");
  ASSERT_TRUE(this->world_.run_until([&] { return this->service_.running() == 0; }));
  EXPECT_TRUE(this->service_.last_write()->ok());
}

TYPED_TEST_P(HttpServerContract, SendsEachPartAtOnce) {
  this->listen();
  const Response response = this->open("/steps");
  EXPECT_EQ(this->read(*response), "step 0;");
  this->service_.gate().set();
  EXPECT_EQ(this->read(*response), "step 1;");
}

TYPED_TEST_P(HttpServerContract, ShowsTheClientThatAStreamWasBrokenOff) {
  this->listen();
  const Response response = this->open("/broken");
  const auto rest = this->get(rest_of(*response, this->in(this->kLong)));
  EXPECT_EQ(rest.status().code(), StatusCode::kUnavailable) << rest.status();
}

TYPED_TEST_P(HttpServerContract, DestroysAStreamingHandlerWhenItsClientGoes) {
  this->listen();
  Response response = this->open("/steps");
  EXPECT_EQ(this->read(*response), "step 0;");
  EXPECT_EQ(this->service_.running(), 1);
  response.reset();
  EXPECT_TRUE(this->world_.run_until([&] { return this->service_.running() == 0; }));
}

TYPED_TEST_P(HttpServerContract, LetsAUnaryHandlerEndThoughItsClientHasGone) {
  this->listen();
  auto call = this->start(fetch(this->world_.http(), get_request(this->url("/gate")), this->in(this->kLong)));
  ASSERT_TRUE(this->world_.run_until([&] { return this->service_.running() == 1; }));
  call.reset();
  this->pass_time(std::chrono::milliseconds(50));
  EXPECT_EQ(this->service_.running(), 1);
  this->service_.gate().set();
  ASSERT_TRUE(this->world_.run_until([&] { return this->service_.running() == 0; }));
  EXPECT_EQ(this->service_.ended(), 1);
}

TYPED_TEST_P(HttpServerContract, HoldsAWriterBackWhileItsClientDoesNotRead) {
  this->listen();
  Response response = this->open("/flood");
  std::size_t before = 1;
  while (before != this->service_.written()) {  // until it stands still
    before = this->service_.written();
    this->pass_time(std::chrono::milliseconds(100));
  }
  EXPECT_LT(before, 64u * 1024 * 1024);
  EXPECT_EQ(this->service_.running(), 1);
  std::size_t got = 0;
  while (got < before) got += this->read(*response).size();
  EXPECT_TRUE(this->world_.run_until([&] { return this->service_.written() > before; }));
}

TYPED_TEST_P(HttpServerContract, ClosesAStreamThatIsNotReadInTime) {
  this->listen();
  const Response response = this->open("/flood-briefly");
  ASSERT_TRUE(this->world_.run_until([&] { return this->service_.running() == 0; }));
  EXPECT_EQ(this->service_.last_write()->code(), StatusCode::kDeadlineExceeded);
  const auto rest = this->get(rest_of(*response, this->in(this->kLong)));
  EXPECT_EQ(rest.status().code(), StatusCode::kUnavailable) << rest.status();
}

TYPED_TEST_P(HttpServerContract, DrainsByLettingUnaryHandlersEndAndEndingStreams) {
  this->listen();
  const Response stream = this->open("/steps");
  EXPECT_EQ(this->read(*stream), "step 0;");
  auto call = this->start(fetch(this->world_.http(), get_request(this->url("/gate")), this->in(this->kLong)));
  ASSERT_TRUE(this->world_.run_until([&] { return this->service_.running() == 2; }));

  auto drain = this->start(this->drained(*this->listener_, this->in(this->kLong)));
  const auto rest = this->get(rest_of(*stream, this->in(this->kLong)));
  EXPECT_TRUE(rest.ok()) << "a drained stream has an end: " << rest.status();
  EXPECT_FALSE(drain->ended());
  EXPECT_EQ(this->ask("/echo").status().code(), StatusCode::kUnavailable);
  this->service_.gate().set();
  EXPECT_EQ(this->await(*call)->body, "through");
  EXPECT_TRUE(this->await(*drain));
  EXPECT_EQ(this->service_.running(), 0);
}

TYPED_TEST_P(HttpServerContract, EndsADrainAtItsDeadline) {
  this->listen();
  auto call = this->start(fetch(this->world_.http(), get_request(this->url("/gate")), this->in(this->kLong)));
  ASSERT_TRUE(this->world_.run_until([&] { return this->service_.running() == 1; }));
  EXPECT_TRUE(this->get(this->drained(*this->listener_, this->in(std::chrono::milliseconds(50)))));
  EXPECT_EQ(this->service_.running(), 1);
  this->listener_.reset();
  EXPECT_EQ(this->service_.running(), 0);
  EXPECT_EQ(this->await(*call).status().code(), StatusCode::kUnavailable);
}

TYPED_TEST_P(HttpServerContract, NamesTheAddressThatIsInUse) {
  this->listen();
  const auto second = this->world_.server().listen(this->listener_->address(), this->service_, {});
  ASSERT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(message_of(second.status()).find(this->listener_->address()), std::string_view::npos);
  EXPECT_NE(message_of(second.status()).find("another port"), std::string_view::npos);
  const std::string address = this->listener_->address();
  this->listener_.reset();
  EXPECT_TRUE(this->world_.server().listen(address, this->service_, {}).ok());
}

TYPED_TEST_P(HttpServerContract, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "no such host:1"}) {
    const auto listener = this->world_.server().listen(address, this->service_, {});
    EXPECT_EQ(listener.status().code(), StatusCode::kInvalidArgument) << address << ": " << listener.status();
  }
}

REGISTER_TYPED_TEST_SUITE_P(HttpServerContract, GivesTheHandlerMethodPathQueryHeadersAndBody, DecodesThePath,
                            AnswersABadEscapeItself, PassesEveryStatusThrough, RefusesABodyAboveTheLimit,
                            LetsTheHandlerRefuseARequestByItsHead, RefusesAHeadAboveTheLimit, AnswersForAHandlerThatDoesNot,
                            TakesOneAnswerARequest, StreamsPartsInOrderAndEndsTheStream, SendsEachPartAtOnce,
                            ShowsTheClientThatAStreamWasBrokenOff, DestroysAStreamingHandlerWhenItsClientGoes,
                            LetsAUnaryHandlerEndThoughItsClientHasGone, HoldsAWriterBackWhileItsClientDoesNotRead,
                            ClosesAStreamThatIsNotReadInTime, DrainsByLettingUnaryHandlersEndAndEndingStreams,
                            EndsADrainAtItsDeadline, NamesTheAddressThatIsInUse, RefusesWhatIsNoAddress);

}  // namespace reliant::tests

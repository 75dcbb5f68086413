// What every Http client promises, as tests. The world is described in http_client_contract_service.h. Instantiate
// `HttpClientContract` with it.
#pragma once

#include "contract/http/http_client_contract_service.h"

namespace reliant::tests {

template <class World>
class HttpClientContract : public HttpClientContractBase<World> {};
TYPED_TEST_SUITE_P(HttpClientContract);

TYPED_TEST_P(HttpClientContract, FetchesABodyOfAnySize) {
  this->listen();
  for (const std::size_t size : {0u, 1u, 5'000u, 1'000'000u}) {
    ports::HttpRequest request = get_request(this->url("/echo"));
    request.method = "POST";
    request.body = std::string(size, 'y');
    const auto answer = this->ask(request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(parse_json(answer->body)->at("body").as_string().size(), size);
  }
}

TYPED_TEST_P(HttpClientContract, TakesManyRequestsAtOnce) {
  this->listen();
  std::vector<decltype(this->start(fetch(this->world_.http(), {}, kNever)))> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(this->start(fetch(this->world_.http(), get_request(this->url("/gate")), this->in(this->kLong))));
  }
  ASSERT_TRUE(this->world_.run_until([&] { return this->service_.running() == 20; }));
  this->service_.gate().set();
  for (auto& call : calls) EXPECT_EQ(this->await(*call)->body, "through");
}

TYPED_TEST_P(HttpClientContract, SaysThatNobodyListens) {
  this->listen();
  const std::string url = this->url("/echo");
  const std::string address = this->listener_->address();
  this->listener_.reset();
  const auto answer = this->ask(get_request(url));
  ASSERT_EQ(answer.status().code(), StatusCode::kUnavailable) << answer.status();
  EXPECT_NE(message_of(answer.status()).find(address), std::string_view::npos) << answer.status();
}

TYPED_TEST_P(HttpClientContract, SaysThatTheHostIsUnknown) {
  const auto answer = this->ask(get_request("http://no-such-host.invalid:80/"));
  ASSERT_EQ(answer.status().code(), StatusCode::kUnavailable) << answer.status();
  EXPECT_NE(message_of(answer.status()).find("no-such-host.invalid"), std::string_view::npos) << answer.status();
  EXPECT_EQ(reason_of(answer.status()), ports::kReasonHostNotFound);
}

TYPED_TEST_P(HttpClientContract, RefusesWhatIsNoUrl) {
  for (const char* url :
       {"", "localhost", "ftp://host/", "http://", "http:///path", "http://host:0/", "http://host:x/", "http://host:99999/",
        "http://user@host/", "http://ho st/", "http://host/a b", "http://host/\n", "http://[::1/"}) {
    const auto answer = this->ask(get_request(url));
    ASSERT_EQ(answer.status().code(), StatusCode::kInvalidArgument) << url << ": " << answer.status();
    EXPECT_NE(message_of(answer.status()).find(url), std::string_view::npos) << answer.status();
  }
}

TYPED_TEST_P(HttpClientContract, RefusesAHeaderThatWouldBeTwo) {
  this->listen();
  ports::HttpRequest request = get_request(this->url("/echo"));
  request.headers["x-split"] = "a\r\nx-other: b";
  EXPECT_EQ(this->ask(request).status().code(), StatusCode::kInvalidArgument);
  request.headers = {{"x split", "a"}};
  EXPECT_EQ(this->ask(request).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(this->service_.calls(), 0);
}

TYPED_TEST_P(HttpClientContract, StopsWaitingForTheHeadAtTheDeadline) {
  this->listen();
  const Instant deadline = this->in(std::chrono::milliseconds(50));
  const auto answer = this->get(fetch(this->world_.http(), get_request(this->url("/gate")), deadline));
  EXPECT_EQ(answer.status().code(), StatusCode::kDeadlineExceeded) << answer.status();
  EXPECT_GE(this->world_.executor().now(), deadline);
}

TYPED_TEST_P(HttpClientContract, ReadsOnAfterAReadThatCameTooEarly) {
  this->listen();
  const Response response = this->open("/steps");
  EXPECT_EQ(this->read(*response), "step 0;");
  const auto early = this->get(response->read(this->in(std::chrono::milliseconds(30))));
  EXPECT_EQ(early.status().code(), StatusCode::kDeadlineExceeded);
  this->service_.gate().set();
  EXPECT_EQ(this->read(*response), "step 1;");
}

TYPED_TEST_P(HttpClientContract, LosesNothingWithAReadThatIsDestroyed) {
  this->listen();
  const Response response = this->open("/steps");
  EXPECT_EQ(this->read(*response), "step 0;");
  auto read = this->start(response->read(this->in(this->kLong)));
  this->pass_time(std::chrono::milliseconds(1));
  this->service_.gate().set();
  ASSERT_TRUE(this->world_.run_until([&] { return !this->service_.gate().is_set(); }));  // step 1 is on its way
  read.reset();
  EXPECT_EQ(this->read(*response), "step 1;");
}

TYPED_TEST_P(HttpClientContract, KnowsTheEndFromALoss) {
  this->listen();
  const Response whole = this->open("/three");
  EXPECT_EQ(*this->get(rest_of(*whole, this->in(this->kLong))), "one,two,three");
  EXPECT_FALSE((*this->get(whole->read(this->in(this->kLong)))).has_value()) << "the end stays the end";
  const Response cut = this->open("/steps");
  EXPECT_EQ(this->read(*cut), "step 0;");
  this->listener_.reset();
  const auto rest = this->get(rest_of(*cut, this->in(this->kLong)));
  EXPECT_EQ(rest.status().code(), StatusCode::kUnavailable) << rest.status();
}

REGISTER_TYPED_TEST_SUITE_P(HttpClientContract, FetchesABodyOfAnySize, TakesManyRequestsAtOnce, SaysThatNobodyListens,
                            SaysThatTheHostIsUnknown, RefusesWhatIsNoUrl, RefusesAHeaderThatWouldBeTwo,
                            StopsWaitingForTheHeadAtTheDeadline, ReadsOnAfterAReadThatCameTooEarly,
                            LosesNothingWithAReadThatIsDestroyed, KnowsTheEndFromALoss);

}  // namespace reliant::tests

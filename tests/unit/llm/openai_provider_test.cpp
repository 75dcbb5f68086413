#include "llm/openai_provider.h"

#include "base/json.h"
#include "base/utf8.h"
#include "unit/llm/llm_world.h"

namespace reliant::tests {
namespace {

using llm::OpenAiOptions;
using llm::OpenAiProvider;

constexpr std::string_view kText =
    R"(data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}

data: {"choices":[{"index":0,"delta":{"content":"Gr\u00fc"}}]}

: keep-alive

data: {"choices":[{"index":0,"delta":{"content":"ße"}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":3}}

data: [DONE]

)";

constexpr std::string_view kCalls =
    R"(data: {"choices":[{"delta":{"content":null,"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"shell","arguments":""}}]}}]}

data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"comm"}}]}}]}

data: {"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"read","arguments":""}}]}}]}

data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"and\":\"ls\"}"}}]}}]}

data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

)";

class OpenAiProviderTest : public LlmTest {
 protected:
  Answer ask(FakeAnswer answer, Instant deadline = kNever) {
    http.answers = {std::move(answer)};
    return complete(provider, conversation({user_says("hi")}), deadline);
  }
  Answer ask(std::string_view stream, Ending ending = Ending::kWhole) {
    return ask(FakeAnswer{200, {}, {std::string(stream)}, ending});
  }
  static OpenAiOptions options() {
    OpenAiOptions out;
    out.base_url = "http://llm:1234/v1/";
    out.api_key = "secret";
    out.model = "m-1";
    return out;
  }

  FakeHttpClient http;
  OpenAiProvider provider{http, options()};
};

TEST_F(OpenAiProviderTest, SendsTheConversationAndTheTools) {
  llm::ModelRequest request = conversation(
      {user_says("look"), model_calls("c1", "shell", R"({"command":"ls"})"), tool_answers("c1", "a b"), user_says("and?")});
  request.system_prompt = "Be brief.";
  request.tools = {{"shell", "Runs a command", R"({"type":"object"})"}};
  http.answers = {FakeAnswer{200, {}, {std::string(kText)}}};
  ASSERT_TRUE(complete(provider, request).ok());
  ASSERT_EQ(http.requests.size(), 1u);
  const ports::HttpRequest& sent = http.requests[0];
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url, "http://llm:1234/v1/chat/completions");
  EXPECT_EQ(sent.headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(*parse_json(sent.body), *parse_json(R"({"model":"m-1","messages":[
    {"role":"system","content":"Be brief."},
    {"role":"user","content":"look"},
    {"role":"assistant","content":null,"tool_calls":[
      {"id":"c1","type":"function","function":{"name":"shell","arguments":"{\"command\":\"ls\"}"}}]},
    {"role":"tool","tool_call_id":"c1","content":"a b"},
    {"role":"user","content":"and?"}],
    "stream":true,"stream_options":{"include_usage":true},
    "tools":[{"type":"function","function":{"name":"shell","description":"Runs a command","parameters":{"type":"object"}}}]})"));
}

TEST_F(OpenAiProviderTest, StreamsTextAndCountsTokens) {
  const auto answer = ask(kText);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(sink.deltas, (std::vector<std::string>{"Grü", "ße"}));
  EXPECT_EQ(model::text_of(answer->content), "Grüße");
  EXPECT_EQ(answer->input_tokens, 11);
  EXPECT_EQ(answer->output_tokens, 3);
}

TEST_F(OpenAiProviderTest, AssemblesToolCallsFromTheirParts) {
  const auto answer = ask(kCalls);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const auto calls = model::tool_calls_of(answer->content);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0], (model::ToolCall{ToolCallId("c1"), "shell", R"({"command":"ls"})"}));
  EXPECT_EQ(calls[1], (model::ToolCall{ToolCallId("c2"), "read", "{}"}));
  EXPECT_TRUE(sink.deltas.empty());
}

TEST_F(OpenAiProviderTest, IsTheSameSplitAtAnyByte) {
  for (const std::string_view stream : {kText, kCalls}) {
    const auto whole = ask(stream);
    ASSERT_TRUE(whole.ok());
    for (std::size_t at = 1; at < stream.size(); ++at) {
      const auto split = ask(FakeAnswer{200, {}, {std::string(stream.substr(0, at)), std::string(stream.substr(at))}});
      ASSERT_TRUE(split.ok()) << at << ": " << split.status();
      ASSERT_EQ(split->content, whole->content) << at;
    }
  }
}

TEST_F(OpenAiProviderTest, TakesACompleteAnswerWithoutDone) {
  const std::string_view stream = kText.substr(0, kText.find("data: [DONE]"));
  EXPECT_EQ(model::text_of(ask(stream)->content), "Grüße");
}

TEST_F(OpenAiProviderTest, RejectsATruncatedAnswer) {
  for (const Ending ending : {Ending::kWhole, Ending::kLost}) {
    const auto answer = ask(kText.substr(0, kText.find("data: {\"choices\":[{\"index\":0,\"delta\":{},")), ending);
    EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable) << answer.status();
    EXPECT_EQ(sink.text(), "Grüße");
  }
}

TEST_F(OpenAiProviderTest, StopsAtTheDeadline) {
  FakeAnswer silent{200, {}, {std::string(kText.substr(0, 200))}, Ending::kSilent};
  const auto answer = ask(silent, Instant(std::chrono::seconds(3)));
  EXPECT_EQ(answer.status().code(), StatusCode::kDeadlineExceeded);
}

TEST_F(OpenAiProviderTest, UnreadableAnswersAreUnavailable) {
  for (const std::string_view event : {"{", "[1]", "7", R"({"choices":[{"delta":{"tool_calls":3}}]})"}) {
    const auto answer = ask(concat("data: ", event, "\n\n", kText));
    EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable) << event << ": " << answer.status();
  }
}

TEST_F(OpenAiProviderTest, RejectsArgumentsThatAreNotAnObject) {
  for (const std::string_view arguments : {R"([1])", R"({\"a\":)", "x"}) {
    const auto answer =
        ask(concat(R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"t","arguments":")",
                   arguments, "\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"));
    EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable) << arguments << ": " << answer.status();
  }
}

TEST_F(OpenAiProviderTest, ReportsACallCutOffByTheTokenLimit) {
  const auto answer = ask(
      R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"t","arguments":"{\"a\":"}}]},"finish_reason":"length"}]}

)");
  EXPECT_EQ(answer.status().code(), StatusCode::kFailedPrecondition) << answer.status();
}

TEST_F(OpenAiProviderTest, MapsErrorsOfTheProvider) {
  const std::tuple<int, std::string_view, StatusCode> cases[] = {
      {400, R"({"error":{"message":"bad","type":"invalid_request_error"}})", StatusCode::kInvalidArgument},
      {400, R"({"error":{"message":"long","code":"context_length_exceeded"}})", StatusCode::kFailedPrecondition},
      {401, R"({"error":{"message":"no key"}})", StatusCode::kUnauthenticated},
      {403, "", StatusCode::kPermissionDenied},
      {404, R"({"error":"model not found"})", StatusCode::kInvalidArgument},
      {429, R"({"error":{"message":"slow down"}})", StatusCode::kResourceExhausted},
      {429, R"({"error":{"message":"pay","code":"insufficient_quota"}})", StatusCode::kFailedPrecondition},
      {500, "<html>oops", StatusCode::kUnavailable},
      {503, "", StatusCode::kUnavailable},
      {529, "", StatusCode::kUnavailable},
  };
  for (const auto& [status, body, code] : cases) {
    const auto answer = ask(FakeAnswer{status, {}, {std::string(body)}});
    EXPECT_EQ(answer.status().code(), code) << status << ": " << answer.status();
    EXPECT_NE(message_of(answer.status()).find(concat(status)), std::string_view::npos) << answer.status();
  }
}

TEST_F(OpenAiProviderTest, AnErrorPageOfAnyBytesBecomesText) {
  std::string accents = "x";
  for (int i = 0; i < 150; ++i) accents += "é";
  const std::string pages[] = {accents, "Zugriff verweigert f\xFCr Ger\xE4t", std::string("\x1f\x8b\x08\x00\xff\xfe", 6)};
  for (const std::string& page : pages) {
    const Answer answer = ask(FakeAnswer{400, {{"content-type", "text/html"}}, {page}});
    EXPECT_EQ(answer.status().code(), StatusCode::kInvalidArgument);
    EXPECT_TRUE(is_valid_utf8(message_of(answer.status()))) << message_of(answer.status());
  }
  const Answer cut = ask(FakeAnswer{400, {}, {accents}});
  EXPECT_TRUE(message_of(cut.status()).ends_with("xé" + accents.substr(3, 196))) << message_of(cut.status());
}

TEST_F(OpenAiProviderTest, LongErrorsAreTruncated) {
  const Answer answer = ask(FakeAnswer{400, {}, {concat(R"({"error":{"message":")", std::string(50'000, 'x'), R"("}})")}});
  EXPECT_LT(message_of(answer.status()).size(), 2'100u);
}

TEST_F(OpenAiProviderTest, MapsAnErrorInsideOfTheStream) {
  const auto answer = ask("data: {\"error\":{\"message\":\"slow\",\"code\":\"rate_limit_exceeded\"}}\n\n");
  EXPECT_EQ(answer.status().code(), StatusCode::kResourceExhausted) << answer.status();
}

TEST_F(OpenAiProviderTest, CarriesRetryAfter) {
  using std::chrono::milliseconds;
  const std::pair<std::string, Duration> cases[] = {
      {"2", milliseconds(2000)}, {"0.5", milliseconds(500)}, {"-1", {}}, {"soon", {}}, {"1e9", {}}};
  for (const auto& [header, delay] : cases) {
    const auto answer = ask(FakeAnswer{429, {{"retry-after", header}}, {"{}"}});
    EXPECT_EQ(retry_after_of(answer.status()), delay) << header;
  }
}

TEST_F(OpenAiProviderTest, ReportsALostConnection) {
  const auto answer = complete(provider, conversation({user_says("hi")}));
  EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace reliant::tests

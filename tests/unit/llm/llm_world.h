// What the tests of the providers share: an executor, a sink that remembers, and an Http that answers from a list.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llm/model_provider.h"
#include "ports/http_client.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"

namespace reliant::tests {

enum class Ending : std::uint8_t { kWhole, kLost, kSilent };

struct FakeAnswer {
  int status = 200;
  ports::HttpHeaders headers;
  std::vector<std::string> parts;
  Ending ending = Ending::kWhole;
};

class FakeHttpClient final : public ports::HttpClient {
 public:
  Task<Result<std::unique_ptr<ports::HttpResponse>>> send(ports::HttpRequest request, Instant) override {
    requests.push_back(std::move(request));
    if (answers.empty()) co_return unavailable("connection refused");
    FakeAnswer answer = std::move(answers.front());
    answers.pop_front();
    co_return std::make_unique<Response>(std::move(answer));
  }

  std::deque<FakeAnswer> answers;
  std::vector<ports::HttpRequest> requests;

 private:
  class Response final : public ports::HttpResponse {
   public:
    explicit Response(FakeAnswer answer) : answer_(std::move(answer)) {}
    int status() const override { return answer_.status; }
    const ports::HttpHeaders& headers() const override { return answer_.headers; }
    Task<Result<std::optional<std::string>>> read(Instant deadline) override {
      co_await yield();
      if (next_ < answer_.parts.size()) co_return answer_.parts[next_++];
      if (answer_.ending == Ending::kWhole) co_return std::nullopt;
      if (answer_.ending == Ending::kLost) co_return unavailable("connection reset");
      co_await sleep_until(deadline);
      co_return deadline_exceeded("nothing came");
    }

   private:
    FakeAnswer answer_;
    std::size_t next_ = 0;
  };
};

class CollectingSink final : public llm::TextSink {
 public:
  Task<void> on_text(std::string delta) override {
    deltas.push_back(std::move(delta));
    co_await yield();
  }
  std::string text() const {
    std::string all;
    for (const std::string& delta : deltas) all += delta;
    return all;
  }

  std::vector<std::string> deltas;
};

class LlmTest : public ::testing::Test {
 protected:
  using Answer = Result<llm::ModelAnswer>;

  Answer complete(llm::ModelProvider& provider, llm::ModelRequest request, Instant deadline = kNever) {
    sink = CollectingSink();
    std::optional<Answer> answer;
    TaskScope scope(executor, 0);
    scope.spawn(run(provider, std::move(request), sink, deadline, answer));
    executor.run();
    RELIANT_ASSERT(answer.has_value(), "a completion of a test ends");
    return *std::move(answer);
  }

  Executor executor{1};
  CollectingSink sink;

 private:
  static Task<void> run(llm::ModelProvider& provider, llm::ModelRequest request, CollectingSink& sink, Instant deadline,
                        std::optional<Answer>& answer) {
    answer = co_await provider.complete(std::move(request), sink, deadline);
  }
};

inline llm::ModelMessage user_says(std::string text) { return {model::Role::kUser, {model::TextBlock{std::move(text)}}}; }

inline llm::ModelMessage model_calls(std::string id, std::string tool, std::string arguments = "{}") {
  return {model::Role::kAssistant,
          {model::ToolCallBlock{model::ToolCall{ToolCallId(std::move(id)), std::move(tool), std::move(arguments)}}}};
}

inline llm::ModelMessage tool_answers(std::string id, std::string content) {
  model::ToolResult result;
  result.content = std::move(content);
  return {model::Role::kTool, {model::ToolResultBlock{ToolCallId(std::move(id)), result}}};
}

inline llm::ModelRequest conversation(std::vector<llm::ModelMessage> messages) {
  llm::ModelRequest request;
  request.conversation = "chat-1";
  request.messages = std::move(messages);
  return request;
}

}  // namespace reliant::tests

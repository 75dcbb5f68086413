#include "llm/scripted_provider.h"

#include "base/json.h"
#include "unit/llm/llm_world.h"

namespace reliant::tests {
namespace {

using llm::ScriptedProvider;
using std::chrono::milliseconds;

constexpr std::string_view kScript = R"(name: demo
answers:
  - when: list FILES
    steps:
      - text: "Let me look."
        calls:
          - tool: shell
            arguments: {command: "ls {{user}}", timeout: 5, flags: [true, "{{step}}"]}
          - {tool: shell}
      - text: "{{result.0}} then {{result}} in {{conversation}}"
  - when: slow
    steps:
      - {text: "äöü and more", chunk_chars: 2, chunk_delay_ms: 10, delay_ms: 5}
  - when: busy
    steps:
      - error: {code: RESOURCE_EXHAUSTED, message: too many, times: 2, retry_after_ms: 1500}
        text: at last
  - when: broken
    steps:
      - error: {code: UNAUTHENTICATED}
  - when: early
    steps: [{text: "{{result}}"}]
  - steps:
      - text: "You said: {{user}}"
        chunk_chars: 0
)";

class ScriptedProviderTest : public LlmTest {
 protected:
  void SetUp() override {
    auto parsed = ScriptedProvider::parse(kScript, "demo.yaml");
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    provider_ = *std::move(parsed);
  }
  Answer say(std::string text, Instant deadline = kNever) {
    return complete(*provider_, conversation({user_says(std::move(text))}), deadline);
  }
  static std::string error_of(std::string_view script) {
    return std::string(message_of(ScriptedProvider::parse(script, "f.yaml").status()));
  }

  std::unique_ptr<ScriptedProvider> provider_;
};

TEST_F(ScriptedProviderTest, FirstMatchingAnswerIsUsed) {
  EXPECT_EQ(model::text_of(say("hello {{result}}")->content), "You said: hello {{result}}");
  EXPECT_EQ(sink.deltas, (std::vector<std::string>{"You said: hello {{result}}"}));
  const auto answer = say("please List files now");
  EXPECT_EQ(model::text_of(answer->content), "Let me look.");
  EXPECT_EQ(sink.text(), "Let me look.");
  EXPECT_GT(answer->input_tokens, 0);
  EXPECT_GT(answer->output_tokens, 0);
}

TEST_F(ScriptedProviderTest, MakesCallsWithFilledInArguments) {
  const auto calls = model::tool_calls_of(say("list files")->content);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].tool, "shell");
  EXPECT_EQ(*parse_json(calls[0].arguments),
            (json::value{{"command", "ls list files"}, {"timeout", 5}, {"flags", json::array{true, "0"}}}));
  EXPECT_EQ(calls[1].arguments, "{}");
  EXPECT_NE(calls[0].id, calls[1].id);
}

TEST_F(ScriptedProviderTest, StepFollowsTheNumberOfAnswersInTheTurn) {
  std::vector<llm::ModelMessage> messages = {user_says("list files"),
                                             model_calls("old", "shell"),
                                             tool_answers("old", "OLD"),
                                             user_says("list files again"),
                                             model_calls("a", "shell"),
                                             tool_answers("a", "first"),
                                             tool_answers("b", "second {{user}}")};
  const auto answer = complete(*provider_, conversation(messages));
  EXPECT_EQ(model::text_of(answer->content), "first then second {{user}} in chat-1");
  messages.push_back(model_calls("c", "shell"));
  const auto beyond = complete(*provider_, conversation(messages));
  EXPECT_EQ(beyond.status().code(), StatusCode::kFailedPrecondition) << beyond.status();
}

TEST_F(ScriptedProviderTest, GivesTheSameAnswerWhenATurnIsRepeated) {
  const auto first = say("list files");
  const auto again = say("list files");
  EXPECT_EQ(first->content, again->content);
}

TEST_F(ScriptedProviderTest, StreamsInPartsAndTakesItsTime) {
  const auto answer = say("slow");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(sink.deltas, (std::vector<std::string>{"äö", "ü ", "an", "d ", "mo", "re"}));
  EXPECT_EQ(executor.now(), Instant(milliseconds(65)));
}

TEST_F(ScriptedProviderTest, GivesUpAtTheDeadline) {
  const auto answer = say("slow", Instant(milliseconds(30)));
  EXPECT_EQ(answer.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(executor.now(), Instant(milliseconds(30)));
  EXPECT_EQ(sink.text(), "äöü ");
}

TEST_F(ScriptedProviderTest, FailsTheScriptedNumberOfTimes) {
  for (int i = 0; i < 2; ++i) {
    const auto answer = say("busy");
    EXPECT_EQ(answer.status().code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(message_of(answer.status()), "too many");
    EXPECT_EQ(retry_after_of(answer.status()), milliseconds(1500));
  }
  EXPECT_EQ(model::text_of(say("busy")->content), "at last");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(say("broken").status().code(), StatusCode::kUnauthenticated);
}

TEST_F(ScriptedProviderTest, NamesAMissingResult) {
  const auto answer = say("early");
  EXPECT_EQ(answer.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(answer.status()).find("{{result}}"), std::string_view::npos) << answer.status();
}

TEST_F(ScriptedProviderTest, RefusesABadScriptWithFileAndLine) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "f.yaml:1:1: "},
      {"answers: []", "at least one answer"},
      {"answers:\n  - steps: []", "f.yaml:2:5: \"steps\" must be"},
      {"answers:\n  - steps:\n      - txt: x", "f.yaml:3:9: unknown key \"txt\""},
      {"answers:\n  - steps:\n      - text: \"{{what}}\"", "\"{{what}}\" is unknown"},
      {"answers:\n  - steps:\n      - text: \"{{user\"", "without \"}}\""},
      {"answers:\n  - steps:\n      - calls: [{tool: x, arguments: {a: {b: \"{{no}}\"}}}]", "\"{{no}}\" is unknown"},
      {"answers:\n  - steps:\n      - calls: [{arguments: {}}]", "\"tool\" is missing"},
      {"answers:\n  - steps:\n      - {text: a, delay_ms: -1}", "delay_ms"},
      {"answers:\n  - steps:\n      - error: {code: OOPS}", "\"OOPS\" is no error code"},
      {"answers:\n  - steps:\n      - {error: {code: UNAVAILABLE}, text: a}", "\"times\" is missing"},
      {"answers:\n  - steps:\n      - {error: {code: UNAVAILABLE, times: 2}}", "attempt that succeeds"},
      {"answers:\n  - steps: [{text: a}]\n  - steps: [{text: b}]", "f.yaml:3:5: this answer is never used"},
      {"answers:\n  - steps:\n      - {delay_ms: 4}", "a step needs"},
  };
  for (const auto& [script, part] : cases) {
    EXPECT_NE(error_of(script).find(part), std::string::npos) << script << "\n=> " << error_of(script);
    EXPECT_TRUE(error_of(script).starts_with("f.yaml:")) << error_of(script);
  }
}

TEST(ScriptedModelSchema, IsJson) {
  const auto schema = parse_json(llm::scripted_model_schema());
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_TRUE(schema->at("$defs").at("step").is_object());
}

}  // namespace
}  // namespace reliant::tests

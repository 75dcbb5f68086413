// Model scripts: YAML from arbitrary bytes, and an answer of each valid script.
#include <optional>
#include <string>

#include "base/json.h"
#include "fuzz_input.h"
#include "llm/scripted_provider.h"
#include "runtime/executor.h"
#include "runtime/scope.h"

namespace reliant::llm {
namespace {

class Streamed final : public TextSink {
 public:
  Task<void> on_text(std::string delta) override {
    RELIANT_ASSERT(!delta.empty(), "a part has text");
    text += delta;
    co_return;
  }
  std::string text;
};

// A conversation with the user's "hello" and one tool result after it.
ModelRequest conversation() {
  ModelRequest request;
  request.conversation = "chat_1";
  request.messages.push_back({model::Role::kUser, {model::TextBlock{"Hello, \xc3\xa9!"}}});
  return request;
}

Task<void> ask(ScriptedProvider& provider, Streamed& sink, std::optional<Result<ModelAnswer>>& answer) {
  answer.emplace(co_await provider.complete(conversation(), sink, Instant{} + std::chrono::hours(24)));
}

void check_script(std::string_view text) {
  const auto script = ScriptedProvider::parse(text, "script.yaml");
  if (!script.ok()) {
    fuzz::check_refusal(script.status());
    RELIANT_ASSERT(message_of(script.status()).starts_with("script.yaml:"), "an error names file and line");
    return;
  }
  Executor executor(1);
  Streamed sink;
  std::optional<Result<ModelAnswer>> answer;
  {
    TaskScope scope(executor, 1);
    scope.spawn(ask(**script, sink, answer));
    executor.run(1'000'000);
  }
  RELIANT_ASSERT(answer.has_value(), "a script answers or fails");
  if (!answer->ok()) return;
  RELIANT_ASSERT(model::text_of((*answer)->content) == sink.text, "what is streamed is the answer");
  for (const model::ToolCall& call : model::tool_calls_of((*answer)->content)) {
    const auto arguments = parse_json(call.arguments);
    RELIANT_ASSERT(arguments.ok() && arguments->is_object(), "arguments are a JSON object");
  }
}

}  // namespace
}  // namespace reliant::llm

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::llm::check_script(reliant::fuzz::text_of(data, size));
  return 0;
}

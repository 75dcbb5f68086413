// Chunks of the chat completions API: each line is the data of one event, and the error page of a provider.
#include <string>

#include "base/json.h"
#include "base/utf8.h"
#include "fuzz_input.h"
#include "llm/openai_messages.h"

namespace reliant::llm {
namespace {

constexpr std::size_t kMaxBytes = 4096;  // of an answer here
constexpr std::size_t kMostCalls = 256;

void check_answer(const ModelAnswer& answer, std::string_view streamed) {
  RELIANT_ASSERT(model::text_of(answer.content) == streamed, "the streamed text is the answer");
  RELIANT_ASSERT(streamed.size() <= kMaxBytes, "an answer is bounded");
  const auto calls = model::tool_calls_of(answer.content);
  RELIANT_ASSERT(calls.size() <= kMostCalls, "the calls of an answer are bounded");
  for (const model::ToolCall& call : calls) {
    const auto arguments = parse_json(call.arguments);
    RELIANT_ASSERT(arguments.ok() && arguments->is_object(), "arguments are a JSON object");
    RELIANT_ASSERT(call.arguments.size() <= kMaxBytes, "arguments are bounded");
    RELIANT_ASSERT(!call.tool.empty() && !call.id.empty() && call.tool.size() <= 200 && call.id.str().size() <= 200,
                   "names are there, and bounded");
  }
  const auto stored = model::content_from_json(model::to_json(answer.content));
  RELIANT_ASSERT(stored.ok() && model::tool_calls_of(*stored).size() == calls.size(), "an answer can be stored");
}

void check_chunks(std::string_view text) {
  OpenAiAnswer answer(kMaxBytes);
  std::string streamed;
  while (!text.empty()) {
    const auto [line, rest] = fuzz::split_at_line(text);
    text = rest;
    const auto added = answer.add(line);
    if (!added.ok()) {
      RELIANT_ASSERT(!message_of(added.status()).empty(), "an error says what is wrong");
      return;
    }
    RELIANT_ASSERT(!(answer.done() && line != "[DONE]") || added->empty(), "nothing comes after the end");
    streamed += *added;
  }
  const auto finished = answer.finish();
  if (finished.ok()) check_answer(*finished, streamed);
}

void check_error_page(std::string_view text) {
  if (text.empty()) return;
  const int http = 400 + static_cast<unsigned char>(text[0]) % 200;
  const auto [header, body] = fuzz::split_at_line(text.substr(1));
  const Status error = openai_error(http, {{"retry-after", std::string(header)}}, body);
  RELIANT_ASSERT(!error.ok(), "an error is an error");
  RELIANT_ASSERT(is_valid_utf8(message_of(error)) && message_of(error).size() < 2'200, "what is shown of it is short text");
  RELIANT_ASSERT(retry_after_of(error) >= Duration::zero() && retry_after_of(error) <= std::chrono::hours(24),
                 "a time to wait is a time");
}

}  // namespace
}  // namespace reliant::llm

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = reliant::fuzz::text_of(data, size);
  reliant::llm::check_chunks(text);
  reliant::llm::check_error_page(text);
  return 0;
}

#include "llm/openai_provider.h"

#include <memory>
#include <utility>
#include <vector>

#include "llm/openai_messages.h"
#include "llm/sse_parser.h"

namespace reliant::llm {

namespace {

constexpr std::size_t kMaxErrorBody = 64 * 1024;  // bytes of it that are read

}  // namespace

OpenAiProvider::OpenAiProvider(ports::HttpClient& http, OpenAiOptions options) : http_(http), options_(std::move(options)) {
  while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
}

Task<Result<ModelAnswer>> OpenAiProvider::complete(ModelRequest request, TextSink& sink, Instant deadline) {
  ports::HttpRequest call;
  call.method = "POST";
  call.url = options_.base_url + "/chat/completions";
  call.headers = {{"content-type", "application/json"}, {"accept", "text/event-stream"}};
  if (!options_.api_key.empty()) call.headers["authorization"] = "Bearer " + options_.api_key;
  CO_TRY_ASSIGN(call.body, openai_request(request, options_.model));
  Result<std::unique_ptr<ports::HttpResponse>> response = co_await http_.send(std::move(call), deadline);
  if (!response.ok()) co_return response.status();
  if ((*response)->status() != 200) co_return co_await read_error(**response, deadline);
  co_return co_await read_answer(**response, sink, deadline);
}

Task<Result<ModelAnswer>> OpenAiProvider::read_answer(ports::HttpResponse& response, TextSink& sink, Instant deadline) {
  SseParser parser;
  OpenAiAnswer answer(options_.max_answer);
  while (!answer.done()) {
    Result<std::optional<std::string>> part = co_await response.read(deadline);
    if (!part.ok()) co_return part.status();
    if (!part->has_value()) break;  // some servers forget to say [DONE]
    std::vector<SseEvent> events;
    CO_TRY_OK(parser.feed(**part, events));
    for (const SseEvent& event : events) {
      CO_TRY_ASSIGN(std::string text, answer.add(event.data));
      if (!text.empty()) co_await sink.on_text(std::move(text));
    }
  }
  co_return answer.finish();
}

Task<Status> OpenAiProvider::read_error(ports::HttpResponse& response, Instant deadline) {
  std::string body;
  while (body.size() < kMaxErrorBody) {
    Result<std::optional<std::string>> part = co_await response.read(deadline);
    if (!part.ok() || !part->has_value()) break;  // what is there says enough
    body += **part;
  }
  co_return openai_error(response.status(), response.headers(), body);
}

}  // namespace reliant::llm

// OpenAiProvider: a model behind the OpenAI-compatible chat completions API (R20), streamed. OpenAI itself,
// OpenRouter, vLLM, Ollama, LM Studio and others speak it.
//
// Owner: the composition root; the Http outlives it. Executor: the logic thread. Errors are mapped to those of
// ModelProvider; a rate limit carries the provider's retry-after. An answer that breaks off is UNAVAILABLE, and
// what was streamed of it is void.
#pragma once

#include <string>

#include "llm/model_provider.h"
#include "ports/http_client.h"

namespace reliant::llm {

struct OpenAiOptions {
  std::string base_url = "https://api.openai.com/v1";
  std::string api_key;  // "" = none is sent
  std::string model;
  std::size_t max_answer = 8 * 1024 * 1024;  // bytes
};

class OpenAiProvider final : public ModelProvider {
 public:
  OpenAiProvider(ports::HttpClient& http, OpenAiOptions options);

  Task<Result<ModelAnswer>> complete(ModelRequest request, TextSink& sink, Instant deadline) override;

 private:
  Task<Result<ModelAnswer>> read_answer(ports::HttpResponse& response, TextSink& sink, Instant deadline);
  Task<Status> read_error(ports::HttpResponse& response, Instant deadline);

  ports::HttpClient& http_;
  OpenAiOptions options_;
};

}  // namespace reliant::llm

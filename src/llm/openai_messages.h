// The JSON of the chat completions API: a request written, a streamed answer put together, an error understood.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "llm/model_provider.h"
#include "ports/http_client.h"

namespace reliant::llm {

// The body of a request. INVALID_ARGUMENT: a tool's schema is no JSON.
Result<std::string> openai_request(const ModelRequest& request, std::string_view model);

// Takes the data of each event, in order, and then gives the answer.
class OpenAiAnswer {
 public:
  explicit OpenAiAnswer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Returns the text that it adds. UNAVAILABLE: the data is not what the API sends. Other errors: told by the
  // provider.
  Result<std::string> add(std::string_view data);
  bool done() const { return done_; }  // "[DONE]" was there
  // Once nothing more comes. UNAVAILABLE: something is missing.
  Result<ModelAnswer> finish() const;

 private:
  struct Call {
    std::string id;
    std::string tool;
    std::string arguments;
  };

  Status add_calls(const json::value& calls);

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::string text_;
  std::map<std::int64_t, Call> calls_;  // by the index that the provider gives
  std::string finish_reason_;
  std::int64_t input_tokens_ = 0;
  std::int64_t output_tokens_ = 0;
  bool done_ = false;
};

// Of an answer with an HTTP status that is not 200.
Status openai_error(int status, const ports::HttpHeaders& headers, std::string_view body);

}  // namespace reliant::llm

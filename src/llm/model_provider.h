// ModelProvider: one completion of a large language model (R6, R20): the conversation and the tools in, text and tool
// calls out, streamed while they come.
//
// Owner: the worker's composition root. Executor: the logic thread. Errors: UNAVAILABLE, RESOURCE_EXHAUSTED (rate
// limit) and DEADLINE_EXCEEDED may be retried; INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED,
// FAILED_PRECONDITION (context too long, bad script) may not. Destroying the call ends the request.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/message.h"
#include "model/tool.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::llm {

struct ToolDescription {
  std::string name;
  std::string description;
  std::string parameters;  // a JSON schema object
};

struct ModelMessage {
  model::Role role = model::Role::kUser;
  model::Content content;
};

struct ModelRequest {
  std::string conversation;  // the chat's id: the scripted provider counts answers by the messages, not by this
  std::string system_prompt;
  std::vector<ModelMessage> messages;
  std::vector<ToolDescription> tools;
};

struct ModelAnswer {
  model::Content content;  // text and tool calls
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
};

class TextSink {
 public:
  virtual ~TextSink() = default;
  virtual Task<void> on_text(std::string delta) = 0;
};

class ModelProvider {
 public:
  virtual ~ModelProvider() = default;
  // `sink` outlives the call.
  virtual Task<Result<ModelAnswer>> complete(ModelRequest request, TextSink& sink, Instant deadline) = 0;
};

}  // namespace reliant::llm

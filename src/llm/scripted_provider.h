// ScriptedProvider: a model that answers from a script, for scenarios, tests and demonstrations without a key.
//
//   name: greeter
//   answers:
//     - when: hello                   # in the user's last message, any case; without it: always. The first that fits
//       steps:                        # one for each answer since that message
//         - text: "Let me look."
//           calls: [{tool: shell, arguments: {command: "ls"}}]
//         - text: "There is: {{result}}"
//           chunk_chars: 4            # text comes in parts of so many characters (default 16, 0 = whole)
//           chunk_delay_ms: 10        # before each part
//     - steps:
//         - error: {code: UNAVAILABLE, message: "overloaded", times: 2}   # two attempts fail, the third answers
//           text: "Sorry for the wait."
//
// {{user}} is the user's last message, {{result}} the newest tool result, {{result.0}} the first since that message,
// {{step}} the number of the step, {{conversation}} the chat. They stand in texts and in strings of arguments.
//
// What it answers depends on the conversation alone (and, for `times`, on the attempts that this object has seen),
// so a turn that is repeated after a crash gets the same answer. Owner: the composition root. FAILED_PRECONDITION:
// the script has no answer here, or names a result that is not there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "llm/model_provider.h"

namespace reliant::llm {

struct ScriptedCall {
  std::string tool;
  json::object arguments;
};

struct ScriptedError {
  StatusCode code = StatusCode::kUnavailable;
  std::string message;
  std::int64_t times = 0;  // 0 = always
  Duration retry_after{};
};

struct ScriptedStep {
  std::string text;
  std::vector<ScriptedCall> calls;
  std::optional<ScriptedError> error;
  std::int64_t chunk_chars = 16;
  Duration delay{};        // before the first part
  Duration chunk_delay{};  // before each part
};

struct ScriptedAnswer {
  std::string when;  // lower case
  std::vector<ScriptedStep> steps;
};

class ScriptedProvider final : public ModelProvider {
 public:
  // INVALID_ARGUMENT "file:line: ..." with what is wrong in the script.
  static Result<std::unique_ptr<ScriptedProvider>> parse(std::string_view yaml, std::string_view file);

  // Another one of the same script, which has not said anything yet.
  std::unique_ptr<ScriptedProvider> afresh() const {
    return std::unique_ptr<ScriptedProvider>(new ScriptedProvider(name_, file_, answers_));
  }

  Task<Result<ModelAnswer>> complete(ModelRequest request, TextSink& sink, Instant deadline) override;

  const std::string& name() const { return name_; }

 private:
  ScriptedProvider(std::string name, std::string file, std::vector<ScriptedAnswer> answers)
      : name_(std::move(name)), file_(std::move(file)), answers_(std::move(answers)) {}

  std::string name_;
  std::string file_;
  std::vector<ScriptedAnswer> answers_;
  std::map<std::pair<std::string, std::size_t>, std::int64_t> failures_;  // by conversation and number of messages
};

// The JSON schema of such a script.
std::string_view scripted_model_schema();

}  // namespace reliant::llm

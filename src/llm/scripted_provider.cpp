#include "llm/scripted_provider.h"

#include <algorithm>
#include <charconv>

#include "base/url.h"
#include "runtime/executor.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::llm {

namespace {

// Where a conversation stands.
struct Place {
  std::string user;                  // the last message of the user
  std::size_t step = 0;              // answers since then
  std::vector<std::string> results;  // tool results since then, in order
};

Place place_of(const ModelRequest& request) {
  Place place;
  for (const ModelMessage& message : request.messages) {
    if (message.role == model::Role::kUser) place = Place{model::text_of(message.content), 0, {}};
    if (message.role == model::Role::kAssistant) ++place.step;
    for (const model::ContentBlock& block : message.content) {
      if (const auto* result = std::get_if<model::ToolResultBlock>(&block)) {
        place.results.push_back(result->result.content);
      }
    }
  }
  return place;
}

// Puts in what {{...}} stands for. What is put in is not looked at again.
class Template {
 public:
  Template(const ModelRequest& request, const Place& place) : request_(request), place_(place) {}

  Result<std::string> expand(std::string_view text) const {
    std::string out;
    for (;;) {
      const std::size_t from = text.find("{{");
      out += text.substr(0, from);
      if (from == std::string_view::npos) return out;
      const std::size_t end = text.find("}}", from);
      TRY_ASSIGN(const std::string value, look_up(text.substr(from + 2, end - from - 2)));
      out += value;
      text.remove_prefix(end + 2);
    }
  }

  Result<json::value> expand(const json::value& value) const {
    if (const auto* text = value.if_string()) {
      TRY_ASSIGN(const std::string expanded, expand(std::string_view(text->data(), text->size())));
      return json::value(expanded);
    }
    if (const auto* items = value.if_array()) {
      json::array out;
      for (const json::value& item : *items) {
        TRY_ASSIGN(json::value expanded, expand(item));
        out.push_back(std::move(expanded));
      }
      return json::value(std::move(out));
    }
    if (const auto* fields = value.if_object()) {
      json::object out;
      for (const auto& field : *fields) {
        TRY_ASSIGN(json::value expanded, expand(field.value()));
        out[field.key()] = std::move(expanded);
      }
      return json::value(std::move(out));
    }
    return value;
  }

 private:
  Result<std::string> look_up(std::string_view name) const {
    if (name == "user") return place_.user;
    if (name == "step") return concat(place_.step);
    if (name == "conversation") return request_.conversation;
    std::size_t index = place_.results.size() - 1;  // "result": the newest
    if (name.size() > 7) std::from_chars(name.data() + 7, name.data() + name.size(), index);
    if (index < place_.results.size()) return place_.results[index];
    return failed_precondition("the script wants {{", name, "}}, and there are ", place_.results.size(),
                               " tool results since the user's last message");
  }

  const ModelRequest& request_;
  const Place& place_;
};

// The bytes of the first `characters` of UTF-8 text (all of it for 0).
std::size_t prefix_of(std::string_view text, std::int64_t characters) {
  if (characters == 0) return text.size();
  std::size_t end = 0;
  for (std::int64_t i = 0; i < characters && end < text.size(); ++i) {
    do {
      ++end;
    } while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80);
  }
  return end;
}

// False: the deadline came first.
Task<bool> pause(Duration delay, Instant deadline) {
  if (delay == Duration::zero()) co_return true;
  Context& context = co_await ThisContext{};
  const Instant wanted = after(context.executor->now(), delay);
  co_await sleep_until(std::min(wanted, deadline));
  co_return wanted <= deadline;
}

std::size_t bytes_of(const model::ContentBlock& block) {
  if (const auto* text = std::get_if<model::TextBlock>(&block)) return text->text.size();
  if (const auto* call = std::get_if<model::ToolCallBlock>(&block)) return call->call.tool.size() + call->call.arguments.size();
  return std::get<model::ToolResultBlock>(block).result.content.size();
}

std::int64_t tokens_of(const ModelRequest& request) {
  std::size_t bytes = request.system_prompt.size();
  for (const ModelMessage& message : request.messages) {
    for (const model::ContentBlock& block : message.content) bytes += bytes_of(block);
  }
  return static_cast<std::int64_t>(bytes / 4);
}

Result<ModelAnswer> content_of(const ModelRequest& request, const Place& place, const ScriptedStep& step) {
  const Template fill(request, place);
  const auto said = std::ranges::count(request.messages, model::Role::kUser, &ModelMessage::role);
  ModelAnswer answer;
  TRY_ASSIGN(std::string text, fill.expand(step.text));
  answer.output_tokens = static_cast<std::int64_t>(text.size() / 4 + 1);
  if (!text.empty()) answer.content.push_back(model::TextBlock{std::move(text)});
  for (std::size_t i = 0; i < step.calls.size(); ++i) {
    TRY_ASSIGN(const json::value arguments, fill.expand(json::value(step.calls[i].arguments)));
    // Unique in the chat, and the same when the turn is repeated: one that is taken up behind a later turn has as many messages before
    // it as that one had once, and fewer of the user's.
    ToolCallId id(concat("call_", said, "_", request.messages.size(), "_", i));
    answer.content.push_back(model::ToolCallBlock{model::ToolCall{std::move(id), step.calls[i].tool, to_json(arguments)}});
  }
  answer.input_tokens = tokens_of(request);
  return answer;
}

}  // namespace

Task<Result<ModelAnswer>> ScriptedProvider::complete(ModelRequest request, TextSink& sink, Instant deadline) {
  const Place place = place_of(request);
  const std::string said = to_lower(place.user);
  const auto answer =
      std::ranges::find_if(answers_, [&](const ScriptedAnswer& one) { return said.find(one.when) != std::string::npos; });
  if (answer == answers_.end()) {
    co_return failed_precondition(file_, ": no answer fits the message \"", place.user.substr(0, 100),
                                  "\"; add one without \"when\"");
  }
  if (place.step >= answer->steps.size()) {
    co_return failed_precondition(file_, ": the answer \"", answer->when, "\" has ", answer->steps.size(),
                                  " steps, and one more is asked for; let its last step make no calls");
  }
  const ScriptedStep& step = answer->steps[place.step];
  const bool in_time = co_await pause(step.delay, deadline);
  if (!in_time) co_return deadline_exceeded("the scripted model did not answer in time");
  if (step.error) {
    std::int64_t& failures = failures_[{request.conversation, request.messages.size()}];
    if (step.error->times == 0 || failures < step.error->times) {
      ++failures;
      const Status error = make_status(step.error->code, step.error->message);
      if (step.error->retry_after == Duration::zero()) co_return error;
      co_return with_retry_after(error, step.error->retry_after);
    }
  }
  CO_TRY_ASSIGN(ModelAnswer result, content_of(request, place, step));
  const std::string whole = model::text_of(result.content);
  std::string_view rest = whole;
  while (!rest.empty()) {
    const bool on_time = co_await pause(step.chunk_delay, deadline);
    if (!on_time) co_return deadline_exceeded("the scripted model did not finish in time");
    const std::size_t length = prefix_of(rest, step.chunk_chars);
    std::string part(rest.substr(0, length));
    rest.remove_prefix(length);
    co_await sink.on_text(std::move(part));
  }
  co_return result;
}

}  // namespace reliant::llm

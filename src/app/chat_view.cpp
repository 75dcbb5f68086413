#include "app/chat_view.h"

#include <charconv>
#include <utility>

#include "base/text.h"
#include "model/message.h"

namespace reliant::app {
namespace {

constexpr std::size_t kShownArguments = 160;

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  if (value == nullptr || value->is_null()) return "";
  if (const json::string* text = value->if_string()) return std::string(text->data(), text->size());
  return to_json(*value);
}

std::string shortened(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  if (text.size() <= kShownArguments) return text;
  std::size_t end = kShownArguments;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside of a character
  return text.substr(0, end) + "…";
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\t' || c == '\n' || (code >= 0x20 && code != 0x7f)) out += c;
  }
  return out;
}

Status ChatView::show(std::uint64_t sequence, std::string_view kind, std::string_view payload) {
  TRY_ASSIGN(const json::value value, parse_json(payload));
  const json::object* object = value.if_object();
  if (object == nullptr) return invalid_argument("update ", sequence, " is no JSON object");
  if (kind == model::to_string(model::UpdateKind::kStatus)) {
    status_ = model::chat_status_from(text_at(*object, "status"));
    const json::value* error = object->if_contains("error");
    error_ = error != nullptr && error->is_object()
                 ? concat(text_at(error->as_object(), "code"), ": ", text_at(error->as_object(), "message"))
                 : "";
  }
  if (format_ == ViewFormat::kJson) {
    json::object whole;
    whole["sequence"] = sequence;
    whole["kind"] = json::string(kind.data(), kind.size());
    whole["payload"] = *object;
    print(to_json(whole) + "\n");
  } else if (model::to_string(model::update_kind_from(kind)) == kind) {  // else it is a newer server's
    switch (model::update_kind_from(kind)) {
      case model::UpdateKind::kMessage:
        show_message(*object);
        break;
      case model::UpdateKind::kMessageChunk:
        show_chunk(*object);
        break;
      case model::UpdateKind::kToolStarted:
        show_start(*object);
        break;
      case model::UpdateKind::kToolOutput:
        show_output(*object);
        break;
      case model::UpdateKind::kToolFinished:
        show_finish(*object);
        break;
      case model::UpdateKind::kModelRetry:
        show_retry(*object);
        break;
      case model::UpdateKind::kStatus:
        show_status(*object);
        break;
    }
  }
  std::fflush(out_);
  return ok_status();
}

void ChatView::show_message(const json::object& message) {
  const std::string role = text_at(message, "role");
  const json::value* stored = message.if_contains("content");
  if (stored == nullptr) return;
  const auto content = model::content_from_json(*stored);
  if (!content.ok()) return;
  const std::string text = printable(model::text_of(*content));
  if (role == "user") line(concat("> ", text));
  if (role == "assistant" && !text.empty() && !streamed_.contains(text_at(message, "id"))) line(text);
  end_line();
}

// Blocks of tools have the fields of the updates about them.
void ChatView::show_stored(const json::object& message) {
  if (text_at(message, "damaged") == "true") line(concat("(", text_at(message, "role"), ": this message cannot be read back)"));
  show_message(message);
  const json::value* stored = message.if_contains("content");
  if (stored == nullptr || !stored->is_array()) return;
  for (const json::value& value : stored->as_array()) {
    const json::object* block = value.if_object();
    if (block == nullptr) continue;
    const std::string type = text_at(*block, "type");
    if (type == "tool_call") show_start(*block);
    if (type != "tool_result") continue;
    if (text_at(*block, "outcome") == model::to_string(model::Outcome::kExecuted))
      show_output({{"id", text_at(*block, "id")}, {"text", text_at(*block, "content")}});
    show_finish(*block);
  }
}

void ChatView::show_chunk(const json::object& payload) {
  if (streamed_.insert(text_at(payload, "message_id")).second) end_line();
  const std::string text = printable(text_at(payload, "text"));
  if (text.empty()) return;
  print(text);
  in_line_ = !text.ends_with('\n');
}

void ChatView::show_start(const json::object& payload) {
  Tool& tool = tools_[text_at(payload, "id")];
  tool.label = concat(text_at(payload, "tool"), " ", ++tool_count_);
  line(concat("[", tool.label, "] ", printable(shortened(text_at(payload, "arguments")))));
}

void ChatView::show_output(const json::object& payload) {
  Tool& tool = tools_[text_at(payload, "id")];
  tool.partial += printable(text_at(payload, "text"));
  std::size_t begin = 0;
  for (std::size_t end; (end = tool.partial.find('\n', begin)) != std::string::npos; begin = end + 1) {
    line(concat("[", tool.label, "] | ", tool.partial.substr(begin, end - begin)));
  }
  tool.partial.erase(0, begin);
}

void ChatView::show_finish(const json::object& payload) {
  Tool& tool = tools_[text_at(payload, "id")];
  if (tool.label.empty()) tool.label = text_at(payload, "tool");
  if (!tool.partial.empty()) line(concat("[", tool.label, "] | ", std::exchange(tool.partial, {})));
  const std::string outcome = text_at(payload, "outcome");
  std::string end = outcome;
  if (outcome == model::to_string(model::Outcome::kExecuted)) {
    end = text_at(payload, "is_error") == "true" ? "failed" : "done";
    const std::string exit_code = text_at(payload, "exit_code");
    if (!exit_code.empty() && exit_code != "0") append(end, concat(", exit code ", exit_code));
  } else {
    append(end, concat(": ", printable(shortened(text_at(payload, "content")))));
  }
  line(concat("[", tool.label, "] ", end));
}

void ChatView::show_retry(const json::object& payload) {
  std::int64_t milliseconds = 0;
  const std::string wait = text_at(payload, "next_in_ms");
  std::from_chars(wait.data(), wait.data() + wait.size(), milliseconds);
  line(concat("the model did not answer (", text_at(payload, "code"), ": ", printable(shortened(text_at(payload, "message"))),
              "); attempt ", text_at(payload, "attempt"), ", the next one in ", (milliseconds + 500) / 1000, " s"));
}

void ChatView::show_waiting(std::chrono::milliseconds waiting) {
  if (format_ == ViewFormat::kJson) return;
  line(concat("waiting: no worker has taken this up for ", std::chrono::floor<std::chrono::seconds>(waiting).count(), " s"));
  std::fflush(out_);
}

void ChatView::show_status(const json::object&) {
  if (*status_ == model::ChatStatus::kFailed) line(concat("failed: ", printable(error_)));
  if (*status_ == model::ChatStatus::kCancelled) line("cancelled");
  end_line();
}

void ChatView::line(std::string_view text) {
  end_line();
  print(concat(text, "\n"));
}

void ChatView::end_line() {
  if (std::exchange(in_line_, false)) print("\n");
}

void ChatView::print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), out_); }

}  // namespace reliant::app

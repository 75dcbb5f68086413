#include "oracle/output_oracle.h"

#include "base/json.h"
#include "base/text.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kExact = "output.exact";
constexpr std::string_view kText = "output.text";
constexpr std::string_view kOrder = "output.order";
constexpr std::string_view kComplete = "output.complete";
constexpr std::string_view kContent = "output.content";
// Results are bounded; longer ones are shortened in the middle.
constexpr std::size_t kWholeContent = 16 * 1024;

std::string quoted(const std::string& text) {
  constexpr std::size_t kMost = 60;
  return concat("\"", text.substr(0, kMost), text.size() > kMost ? "…" : "", "\" (", text.size(), " bytes)");
}

Subject subject_of(const FinalExecution& execution) {
  return {{"request_id", execution.request}, {"chat", execution.chat}, {"daemon", execution.daemon}, {"user", execution.user}};
}

// Each part must follow the one before; the first begins the text.
bool fits(const std::string& text, const std::vector<std::string>& parts, bool whole) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t at = text.find(parts[i], from);
    if (at == std::string::npos || (i == 0 && at != 0)) return false;
    from = at + parts[i].size();
  }
  if (!whole) return true;
  return parts.empty() ? text.empty() : text.ends_with(parts.back());
}

}  // namespace

void OutputOracle::finish(const FinalState& state) {
  for (const auto& [id, chat] : state.chats) read(chat);
  std::map<std::string, const EffectRecord::Written*> written;
  for (const auto& [daemon, machine] : state.machines) {
    for (const auto& [request, text] : machine->written()) written[request] = &text;
  }
  const EffectRecord::Written nothing;
  for (const auto& [request, execution] : state.executions) {
    if (execution.tool != "bash") continue;  // others have no process
    const auto found = written.find(request);
    judge(execution, found == written.end() ? nothing : *found->second);
  }
}

void OutputOracle::read(const FinalChat& chat) {
  for (const FinalUpdate& update : chat.updates) {
    if (update.kind == "message_chunk") read_text(chat, update);
    if (update.kind != "tool_output") continue;
    const auto payload = parse_json(update.payload);
    if (!payload.ok()) {
      verdict_.broken(kOrder, concat("chat ", chat.id, ": update ", update.sequence, " cannot be read"),
                      {{"chat", chat.id}, {"user", chat.user}});
      continue;
    }
    JsonReader reader(*payload);
    const std::string call = reader.required_string("id");
    const auto chunk = static_cast<std::uint64_t>(reader.required_int("chunk"));
    const bool gap = reader.optional_bool("gap", false);
    const std::string text = reader.required_string("text");
    Shown& shown = shown_[{chat.id, call}];
    if (chunk <= shown.last_chunk || (chunk != shown.last_chunk + 1 && !gap)) {
      verdict_.broken(kOrder,
                      concat("chat ", chat.id, ", call ", call, ": chunk ", chunk, " follows chunk ", shown.last_chunk,
                             gap ? " with" : " without", " a gap"),
                      {{"chat", chat.id}, {"user", chat.user}});
    }
    if (gap && shown.parts.empty()) shown.parts.emplace_back();  // the beginning is missing
    if (gap || shown.parts.empty()) shown.parts.emplace_back();
    shown.parts.back() += text;
    shown.last_chunk = chunk;
  }
}

void OutputOracle::read_text(const FinalChat& chat, const FinalUpdate& update) {
  const auto payload = parse_json(update.payload);
  if (!payload.ok())
    return verdict_.broken(kText, concat("chat ", chat.id, ": update ", update.sequence, " cannot be read"),
                           {{"chat", chat.id}, {"user", chat.user}});
  JsonReader reader(*payload);
  const std::string message = reader.required_string("message_id");
  const auto offset = static_cast<std::size_t>(reader.required_int("offset"));
  std::size_t& told = told_[{chat.id, message}];
  if (offset != told && offset != 0) {
    verdict_.broken(kText,
                    concat("chat ", chat.id, ", message ", message, ": a part at byte ", offset, " follows one that ends at ",
                           told, " (update ", update.sequence, ")"),
                    {{"message", message}, {"chat", chat.id}, {"user", chat.user}});
  }
  told = offset + reader.required_string("text").size();
}

void OutputOracle::judge(const FinalExecution& execution, const EffectRecord::Written& written) {
  const Shown& shown = shown_[{execution.chat, execution.call}];
  const std::string what = concat("request ", execution.request, " (chat ", execution.chat, ", call ", execution.call, ")");
  const bool done = execution.state == "done" && execution.outcome == "executed";
  if (done && shown.last_chunk > execution.output_chunks) {
    verdict_.broken(kComplete,
                    concat(what, ": the chat has chunk ", shown.last_chunk, ", and the result says that there were ",
                           execution.output_chunks),
                    subject_of(execution));
  }
  if (!written.out.empty() && !written.err.empty()) return;  // the order in which the tool reads them is not specified
  const std::string& text = written.out.empty() ? written.err : written.out;
  // The output of a successful tool is read to its end. If chunks are missing at the end, the number in the result shows it.
  const bool whole = done && !execution.is_error && shown.last_chunk == execution.output_chunks;
  if (!fits(text, shown.parts, whole)) {
    std::string all;
    for (const std::string& part : shown.parts) all += concat(all.empty() ? "" : "[gap]", part);
    return verdict_.broken(kExact, concat(what, ": the process wrote ", quoted(text), ", and the chat shows ", quoted(all)),
                           subject_of(execution));
  }
  if (done && !execution.is_error) judge_content(execution, text);
}

void OutputOracle::judge_content(const FinalExecution& execution, const std::string& written) {
  if (written.empty() || written.size() > kWholeContent || execution.content == written) return;
  if (bytes_.contains(execution.request)) return;
  verdict_.broken(kContent,
                  concat("request ", execution.request, ": the process wrote ", quoted(written), ", and the model received ",
                         quoted(execution.content)),
                  subject_of(execution));
}

}  // namespace reliant::sim

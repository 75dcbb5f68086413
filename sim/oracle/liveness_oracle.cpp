#include "oracle/liveness_oracle.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "kernel/option.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kAnswered = "liveness.answered";
constexpr std::string_view kFailed = "liveness.failed";
constexpr std::string_view kKept = "store.kept";
constexpr std::string_view kOnce = "store.once";
constexpr std::string_view kPaired = "store.paired";
constexpr std::string_view kReadable = "store.readable";
constexpr std::string_view kRecovered = "liveness.recovered";
constexpr std::string_view kToldLate = "liveness.told";
constexpr std::string_view kDefect = "defect";

std::string status_in(const std::string& payload) {
  const auto parsed = parse_json(payload);
  if (!parsed.ok() || !parsed->is_object()) return "";
  const json::value* status = parsed->as_object().if_contains("status");
  return status != nullptr && status->is_string() ? std::string(status->as_string()) : std::string();
}

std::string text_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

// The ids in the blocks of this type of a message.
std::vector<std::string> ids_in(const FinalMessage& message, std::string_view type) {
  std::vector<std::string> ids;
  const auto blocks = parse_json(message.content);
  if (!blocks.ok() || !blocks->is_array()) return ids;
  for (const json::value& block : blocks->get_array()) {
    if (block.is_object() && text_in(block.get_object(), "type") == type) ids.push_back(text_in(block.get_object(), "id"));
  }
  return ids;
}

std::string fields_of(const TraceRecord& record) {
  std::string text;
  for (const auto& [key, value] : record.fields) {
    const auto* words = std::get_if<std::string>(&value);
    text += concat(" ", key, "=", words != nullptr ? *words : concat(std::get<std::int64_t>(value)));
  }
  return text;
}

}  // namespace

// After an engine has lost the end of a turn, a worker ends the turn again: it finds it failed, without a call of the model.
void LivenessOracle::judge_failed(const TraceRecord& record) {
  const bool again = !failed_turns_.insert(text_or_empty(record, "turn")).second;
  std::size_t& due = error_pages_[text_or_empty(record, "chat")];
  if (due > 0) {
    --due;
  } else if (!again) {
    verdict_.broken(kFailed, concat("a turn of chat ", text_or_empty(record, "chat"), " failed, and its model did not"),
                    &record);
  }
}

void LivenessOracle::on_record(const TraceRecord& record) {
  if (record.level == Level::kError) {
    verdict_.broken(kDefect, concat("node ", record.node, ": ", record.name, fields_of(record)), &record);
  }
  calm_.on_record(record);
  if (record.is("gateway.result.kept") || record.is("gateway.read.answered"))
    kept_.try_emplace(text_or_empty(record, "request_id"), record.time);
  if (record.is("worker.tool.finished")) judge_told(record);
  if (record.is("fault.engine_restored") || record.is("fault.run_terminated")) run_lost_ = true;
  if (record.is("api.chat.recovered") && !run_lost_) {
    verdict_.broken(kRecovered, concat("chat ", text_or_empty(record, "chat"), " was begun again; its run was not lost"),
                    &record);
  }
  if (record.is("provider.error_page")) ++error_pages_[text_or_empty(record, "chat")];
  if (record.is("worker.turn.finished") && text_or_empty(record, "status") == "failed") judge_failed(record);
  if (record.is("client.chat.done")) done_.insert(text_or_empty(record, "chat"));
  if (!record.is("client.message.accepted")) return;
  ++accepted_of_[text_or_empty(record, "chat")];
  accepted_.push_back({text_or_empty(record, "user"), text_or_empty(record, "chat"), text_or_empty(record, "message"),
                       static_cast<std::uint64_t>(number_or_zero(record, "sequence"))});
}

void LivenessOracle::judge_told(const TraceRecord& record) {
  const auto kept = kept_.find(text_or_empty(record, "request_id"));
  if (kept == kept_.end()) return;
  const Instant from = std::max(kept->second, calm_.since(record.time));
  if (record.time - from <= (run_lost_ ? kToldByAnotherRun : kTold)) return;
  verdict_.not_live(kToldLate,
                    concat("request ", kept->first, ": the model received the result ", to_text(record.time - kept->second),
                           " after a gateway had it, ", to_text(record.time - from), " of them in a calm"),
                    &record);
}

void LivenessOracle::finish(const FinalState& state) {
  for (const Accepted& accepted : accepted_) judge(accepted, state);
  for (const auto& [id, chat] : state.chats) {
    if (chat.status == "running") verdict_.not_live(kAnswered, concat("chat ", id, " is still running"), {{"chat", id}});
    if (done_.contains(id)) judge_chat(chat);
    if (chat.status != "running") judge_calls(chat);
    judge_text(chat);
  }
}

void LivenessOracle::judge_text(const FinalChat& chat) {
  for (const FinalMessage& message : chat.messages) {
    if (!is_valid_utf8(message.content))
      verdict_.broken(kReadable, concat("message ", message.id, " of chat ", chat.id, " is no text"),
                      {{"message", message.id}, {"chat", chat.id}, {"user", chat.user}});
  }
  for (const FinalUpdate& update : chat.updates) {
    if (!is_valid_utf8(update.payload))
      verdict_.broken(kReadable, concat("update ", update.sequence, " of chat ", chat.id, " is no text"),
                      {{"chat", chat.id}, {"user", chat.user}});
  }
}

void LivenessOracle::judge_chat(const FinalChat& chat) {
  const auto said = static_cast<std::size_t>(std::ranges::count(chat.messages, "user", &FinalMessage::role));
  if (said == accepted_of_[chat.id]) return;
  verdict_.broken(kOnce,
                  concat("chat ", chat.id, ": its client has sent ", accepted_of_[chat.id], " messages; the store has ", said),
                  {{"chat", chat.id}, {"user", chat.user}});
}

void LivenessOracle::judge_calls(const FinalChat& chat) {
  std::map<std::string, int> results;
  for (const FinalMessage& message : chat.messages) {
    if (message.role != "tool") continue;
    for (const std::string& call : ids_in(message, "tool_result")) {
      if (++results[call] == 2)
        verdict_.broken(kOnce, concat("chat ", chat.id, ": call ", call, " has more than one result"),
                        {{"chat", chat.id}, {"user", chat.user}});
    }
  }
  std::size_t ends = 0;
  for (const FinalMessage& message : chat.messages) {
    if (message.role != "assistant") continue;
    const std::vector<std::string> calls = ids_in(message, "tool_call");
    ends += calls.empty() ? 1 : 0;
    for (const std::string& call : calls) {
      if (results.contains(call)) continue;
      verdict_.broken(kPaired, concat("chat ", chat.id, ": call ", call, " of message ", message.id, " has no result"),
                      {{"chat", chat.id}, {"user", chat.user}});
    }
  }
  const auto said = static_cast<std::size_t>(std::ranges::count(chat.messages, "user", &FinalMessage::role));
  if (ends <= said) return;
  verdict_.broken(kOnce, concat("chat ", chat.id, ": ", said, " messages have had ", ends, " answers"),
                  {{"chat", chat.id}, {"user", chat.user}});
}

void LivenessOracle::judge(const Accepted& accepted, const FinalState& state) {
  const std::string what =
      concat("message ", accepted.message, " (chat ", accepted.chat, ", sequence ", accepted.sequence, ")");
  const Subject subject = {{"message", accepted.message}, {"chat", accepted.chat}, {"user", accepted.user}};
  const auto found = state.chats.find(accepted.chat);
  if (found == state.chats.end())
    return verdict_.broken(kKept, concat(what, " was accepted; its chat is not in the store"), subject);
  const FinalChat& chat = found->second;
  const auto message = std::ranges::find(chat.messages, accepted.message, &FinalMessage::id);
  if (message == chat.messages.end() || message->sequence != accepted.sequence) {
    return verdict_.broken(kKept, concat(what, " was accepted and is not in the store"), subject);
  }
  std::string end;
  bool answered = false;
  for (const FinalUpdate& update : chat.updates) {
    if (update.sequence <= accepted.sequence) continue;
    if (update.kind == "status") {
      if (const std::string status = status_in(update.payload); status != "running") end = status;
    }
  }
  for (const FinalMessage& other : chat.messages) answered |= other.sequence > accepted.sequence && other.role == "assistant";
  if (end.empty()) {
    verdict_.not_live(kAnswered, concat(what, " has had no end"), subject);
  } else if (end == "idle" && !answered) {
    verdict_.broken(kAnswered, concat(what, ": the chat went idle without an answer"), subject);
  }
}

}  // namespace reliant::sim

#include "oracle/durability_oracle.h"

#include "base/json.h"
#include "base/text.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kChat = "durable.chat";
constexpr std::string_view kResult = "durable.result";
constexpr std::string_view kToldResult = "durable.told";

std::string text_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

// The outcome of a call in a chat's messages; "" when there is none.
std::string outcome_of(const FinalChat& chat, const std::string& call) {
  for (const FinalMessage& message : chat.messages) {
    if (message.role != "tool" || message.content.find(call) == std::string::npos) continue;
    const auto blocks = parse_json(message.content);
    if (!blocks.ok() || !blocks->is_array()) continue;
    for (const json::value& block : blocks->get_array()) {
      if (block.is_object() && text_in(block.get_object(), "id") == call) return text_in(block.get_object(), "outcome");
    }
  }
  return "";
}

}  // namespace

void DurabilityOracle::on_record(const TraceRecord& record) {
  const std::string_view name = record.name;
  if (name == "client.chat.created") {
    chats_[text_or_empty(record, "chat")] = text_or_empty(record, "user");
  } else if (name == "client.project.created") {
    projects_[text_or_empty(record, "project")] = text_or_empty(record, "user");
  } else if (name == "gateway.result.kept") {
    const std::string& request = text_or_empty(record, "request_id");
    const std::string& outcome = text_or_empty(record, "outcome");
    const auto [kept, first] = kept_.try_emplace(request, outcome);
    if (!first && kept->second != outcome) {
      verdict_.broken(kResult,
                      concat("request ", request, ": the store kept \"", kept->second, "\" first and \"", outcome, "\" later"),
                      &record);
    }
  } else if (name == "daemon.result.acknowledged") {
    const std::string& request = text_or_empty(record, "request_id");
    acknowledged_[request] = true;
    if (!kept_.contains(request)) {
      verdict_.broken(
          kResult, concat("request ", request, ": its daemon has an acknowledgement of the result; no gateway has written it"),
          &record);
    }
  } else if (name == "worker.tool.finished") {
    told_[text_or_empty(record, "request_id")] = Told{text_or_empty(record, "user"), text_or_empty(record, "chat"),
                                                      text_or_empty(record, "call"), text_or_empty(record, "outcome")};
  }
}

void DurabilityOracle::finish(const FinalState& state) {
  for (const auto& [chat, user] : chats_) {
    const auto stored = state.chats.find(chat);
    if (stored == state.chats.end()) {
      verdict_.broken(kChat, concat("chat ", chat, " of ", user, " was created and is not in the store"),
                      {{"chat", chat}, {"user", user}});
    } else if (stored->second.user != user) {
      verdict_.broken(kChat, concat("chat ", chat, " of ", user, " belongs to ", stored->second.user, " in the store"),
                      {{"chat", chat}, {"user", user}});
    }
  }
  for (const auto& [project, user] : projects_) {
    if (state.projects.contains(project)) continue;
    verdict_.broken(kChat, concat("project ", project, " of ", user, " was created and is not in the store"),
                    {{"project", project}, {"user", user}});
  }
  for (const auto& [request, yes] : acknowledged_) judge_result(request, state);
  for (const auto& [request, told] : told_) judge_told(request, told, state);
}

void DurabilityOracle::judge_result(const std::string& request, const FinalState& state) {
  const auto stored = state.executions.find(request);
  if (stored == state.executions.end() || stored->second.state != "done") {
    return verdict_.broken(kResult,
                           concat("request ", request, ": its daemon has an acknowledgement of the result; the store ",
                                  stored == state.executions.end() ? "does not know the request" : "has no result"),
                           {{"request_id", request}});
  }
  const auto kept = kept_.find(request);
  if (kept == kept_.end() || kept->second == stored->second.outcome) return;
  verdict_.broken(
      kResult,
      concat("request ", request, ": \"", kept->second, "\" was kept, and the store says \"", stored->second.outcome, "\""),
      {{"request_id", request}});
}

void DurabilityOracle::judge_told(const std::string& request, const Told& told, const FinalState& state) {
  const auto chat = state.chats.find(told.chat);
  const std::string outcome = chat == state.chats.end() ? std::string() : outcome_of(chat->second, told.call);
  // A turn that was cancelled may have been closed before: then the call has been answered "unknown" already.
  if (outcome != told.outcome && outcome != "unknown") {
    verdict_.broken(kToldResult,
                    concat("request ", request, ": the model received \"", told.outcome, "\", and chat ", told.chat,
                           outcome.empty() ? " has nothing of it" : concat(" says \"", outcome, "\"")),
                    {{"request_id", request}, {"chat", told.chat}, {"user", told.user}});
  }
  const auto stored = state.executions.find(request);
  if (told.outcome != "executed" || stored == state.executions.end()) return;  // the server's own tools have no row
  if (stored->second.state == "done" && stored->second.outcome == told.outcome) return;
  verdict_.broken(kToldResult,
                  concat("request ", request, ": the model received \"executed\", and the store says ", stored->second.state,
                         " ", stored->second.outcome),
                  {{"request_id", request}, {"chat", told.chat}, {"user", told.user}});
}

}  // namespace reliant::sim

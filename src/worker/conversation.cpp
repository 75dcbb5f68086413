#include "worker/conversation.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "worker/turn_key.h"

namespace reliant::worker {
namespace {

struct Turn {
  std::vector<store::Message> from_user;
  std::vector<std::pair<TurnKey, store::Message>> from_model;  // answers and tool results
};

constexpr std::string_view kNoResult = "The result of this call is not known.";

void append_results(model::Content results, std::vector<llm::ModelMessage>& conversation) {
  if (results.empty()) return;
  if (conversation.empty() || conversation.back().role != model::Role::kTool) conversation.push_back({model::Role::kTool, {}});
  std::ranges::move(results, std::back_inserter(conversation.back().content));
}

// The calls of an answer that have no result yet. A provider refuses a conversation in which a call has none, or a result
// has no call; either is missing if a message is damaged, or if a turn was ended from outside.
class OpenCalls {
 public:
  void open(const model::Content& answer) { calls_ = model::tool_calls_of(answer); }

  // Leaves out what answers none of them.
  model::Content results_of(store::Message message) {
    model::Content results;
    for (model::ContentBlock& block : message.content) {
      const auto* result = std::get_if<model::ToolResultBlock>(&block);
      if (result == nullptr ? !message.damaged : take(result->call)) results.push_back(std::move(block));
    }
    return results;
  }

  model::Content close() {
    model::Content results;
    for (const model::ToolCall& call : std::exchange(calls_, {}))
      results.push_back(model::ToolResultBlock{call.id, {model::Outcome::kUnknown, true, std::string(kNoResult), 0, 0}});
    return results;
  }

 private:
  bool take(const ToolCallId& call) {
    const auto found = std::ranges::find(calls_, call, &model::ToolCall::id);
    if (found == calls_.end()) return false;
    calls_.erase(found);
    return true;
  }

  std::vector<model::ToolCall> calls_;
};

// Sorting by (step, index) puts an answer (index -1) before the results of its calls.
void append_model_side(Turn& turn, std::vector<llm::ModelMessage>& conversation) {
  std::ranges::sort(turn.from_model, {}, [](const auto& entry) { return entry.first; });
  OpenCalls calls;
  for (auto& [key, message] : turn.from_model) {
    if (message.role == model::Role::kTool) {
      append_results(calls.results_of(std::move(message)), conversation);
      continue;
    }
    append_results(calls.close(), conversation);
    calls.open(message.content);
    conversation.push_back({message.role, std::move(message.content)});
  }
  append_results(calls.close(), conversation);
}

}  // namespace

std::vector<llm::ModelMessage> arrange(std::vector<store::Message> stored, const MessageId& turn,
                                       std::uint64_t through_sequence) {
  std::set<MessageId> beginnings = {turn};
  for (const store::Message& message : stored)
    if (const auto key = turn_key_from(message.key)) beginnings.insert(key->turn);

  // User messages come in order of sequence, so a turn's own first one opens it and the others join the last opened.
  std::vector<Turn> turns(1);
  std::map<MessageId, std::size_t> index;
  for (store::Message& message : stored) {
    if (message.role != model::Role::kUser || message.sequence > through_sequence) continue;
    if (beginnings.contains(message.id)) {
      index[message.id] = turns.size();
      turns.emplace_back();
    }
    turns.back().from_user.push_back(std::move(message));
  }
  for (store::Message& message : stored) {
    if (message.role == model::Role::kUser) continue;
    const auto key = turn_key_from(message.key);
    const auto found = key ? index.find(key->turn) : index.end();
    if (found != index.end()) turns[found->second].from_model.emplace_back(*key, std::move(message));
  }

  std::vector<llm::ModelMessage> conversation;
  for (Turn& each : turns) {
    for (store::Message& message : each.from_user) conversation.push_back({model::Role::kUser, std::move(message.content)});
    append_model_side(each, conversation);
  }
  return conversation;
}

}  // namespace reliant::worker

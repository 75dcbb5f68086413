#include "worker/conversation.h"

#include <algorithm>
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

// Sorting by (step, index) puts an answer (index -1) before the results of its calls.
void append_model_side(Turn& turn, std::vector<llm::ModelMessage>& conversation) {
  std::ranges::sort(turn.from_model, {}, [](const auto& entry) { return entry.first; });
  for (auto& [key, message] : turn.from_model) {
    const bool continues = message.role == model::Role::kTool && !conversation.empty() &&
                           conversation.back().role == model::Role::kTool;
    if (continues) {
      auto& blocks = conversation.back().content;
      blocks.insert(blocks.end(), message.content.begin(), message.content.end());
    } else {
      conversation.push_back({message.role, std::move(message.content)});
    }
  }
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
    for (store::Message& message : each.from_user)
      conversation.push_back({model::Role::kUser, std::move(message.content)});
    append_model_side(each, conversation);
  }
  return conversation;
}

}  // namespace reliant::worker

#include "oracle/isolation_oracle.h"

#include "base/text.h"

namespace reliant::sim {
namespace {
constexpr std::string_view kChat = "isolation.chat";
constexpr std::string_view kEpoch = "isolation.epoch";
}  // namespace

void IsolationOracle::on_record(const TraceRecord& record) {
  if (record.name == "client.update") {
    if (const std::string& foreign = text_or_empty(record, "foreign"); !foreign.empty()) {
      verdict_.broken(kChat, concat("chat ", text_or_empty(record, "chat"), " was told what belongs to ", foreign), &record);
    }
  } else if (record.name == "gateway.session.opened") {
    auto& epochs = epochs_[{text_or_empty(record, "user"), text_or_empty(record, "daemon")}];
    const std::int64_t epoch = number_or_zero(record, "epoch");
    const auto [entry, fresh] = epochs.try_emplace(epoch, text_or_empty(record, "gateway"));
    if (!fresh) {
      verdict_.broken(kEpoch, concat("daemon ", text_or_empty(record, "daemon"), ": epoch ", epoch, " was given twice, by ",
                                     entry->second, " and ", text_or_empty(record, "gateway")),
                      &record);
    }
  } else if (record.name == "client.chat.created") {
    users_of_chats_[text_or_empty(record, "chat")] = text_or_empty(record, "user");
  } else if (record.name == "tool.effect.started" || record.name == "worker.tool.finished") {
    own(record);
  }
}

// Everybody who speaks of a request says the same of it.
void IsolationOracle::own(const TraceRecord& record) {
  const std::string& request = text_or_empty(record, "request_id");
  const Owner owner{text_or_empty(record, "user"), text_or_empty(record, "chat")};
  if (record.name == "tool.effect.started") daemons_[request] = text_or_empty(record, "daemon");
  const auto [entry, fresh] = requests_.try_emplace(request, owner);
  if (!fresh && (entry->second.user != owner.user || entry->second.chat != owner.chat)) {
    verdict_.broken(kChat, concat("request ", request, " of ", entry->second.user, "/", entry->second.chat,
                                  " was answered to ", owner.user, "/", owner.chat),
                    &record);
  }
  const auto user = users_of_chats_.find(owner.chat);
  if (user != users_of_chats_.end() && user->second != owner.user) {
    verdict_.broken(kChat, concat("request ", request, " of ", owner.user, " is about chat ", owner.chat, " of ", user->second), &record);
  }
}

void IsolationOracle::finish(const FinalState& state) {
  for (const auto& [request, daemon] : daemons_) {
    const auto owner = state.owners.find(daemon);
    if (owner != state.owners.end() && owner->second != requests_[request].user) {
      verdict_.broken(kChat, concat("request ", request, " of ", requests_[request].user, " ran on ", daemon, ", which is ",
                                    owner->second, "'s"));
    }
  }
}

}  // namespace reliant::sim

#include "oracle/stream_oracle.h"

#include <utility>

#include "base/text.h"
#include "kernel/digest.h"
#include "kernel/option.h"
#include "runtime/random.h"

namespace reliant::sim {
namespace {
constexpr std::string_view kGap = "stream.gap";
constexpr std::string_view kEqual = "stream.equal";
constexpr std::string_view kStored = "stream.stored";
constexpr std::string_view kPromptly = "stream.prompt";
constexpr std::string_view kComplete = "stream.complete";
}  // namespace

void StreamOracle::on_record(const TraceRecord& record) {
  calm_.on_record(record);
  if (record.is("client.update")) return on_update(record);
  if (record.is("worker.turn.finished")) return on_turn_ended(record);
  if (record.is("api.message.accepted")) {
    Seen& seen = chats_[text_or_empty(record, "chat")];
    seen.asked.insert(text_or_empty(record, "message"));
    seen.turn_ended = kNever;  // the chat may have gone on at once
  }
  if (record.is("client.stream.opened")) chats_[text_or_empty(record, "chat")].stream_opened = record.time;
}

// The update may have reached the client before this record was made, right after it was published. While another message
// waits, the chat goes on and its status does not change.
void StreamOracle::on_turn_ended(const TraceRecord& record) {
  Seen& seen = chats_[text_or_empty(record, "chat")];
  if (!seen.turns.insert(text_or_empty(record, "turn")).second) return;
  const bool rests = seen.turns.size() >= seen.asked.size();
  if (rests && seen.last_status + kPrompt < record.time) seen.turn_ended = record.time;
}

void StreamOracle::on_update(const TraceRecord& record) {
  const std::string& chat = text_or_empty(record, "chat");
  Seen& seen = chats_[chat];
  seen.user = text_or_empty(record, "user");
  const std::int64_t sequence = number_or_zero(record, "sequence");
  const auto expected = static_cast<std::int64_t>(seen.digests.size()) + 1;
  if (sequence != expected) {
    verdict_.broken(kGap, concat("chat ", chat, ": the client got update ", sequence, " where ", expected, " was next"),
                    &record);
    if (sequence > expected) seen.digests.resize(static_cast<std::size_t>(sequence) - 1);
  }
  if (text_or_empty(record, "kind") == "status") {
    const Instant since = std::exchange(seen.turn_ended, kNever);
    seen.last_status = record.time;
    if (since != kNever && record.time - since > kPrompt && seen.stream_opened < since && calm_.between(since, record.time)) {
      verdict_.broken(kPromptly,
                      concat("chat ", chat, ": the client received the end of a turn after ", to_text(record.time - since)),
                      &record);
    }
  }
  if (sequence > static_cast<std::int64_t>(seen.digests.size())) seen.digests.push_back(number_or_zero(record, "digest"));
}

void StreamOracle::finish(const FinalState& state) {
  for (const auto& [id, chat] : state.chats) compare(chat);
}

void StreamOracle::compare(const FinalChat& chat) {
  for (std::size_t i = 0; i < chat.updates.size(); ++i) {
    if (chat.updates[i].sequence == i + 1) continue;
    return verdict_.broken(
        kStored, concat("chat ", chat.id, ": the store has update ", chat.updates[i].sequence, " where ", i + 1, " belongs"),
        {{"chat", chat.id}, {"user", chat.user}});
  }
  if (chat.updates.size() != chat.last_sequence) {
    return verdict_.broken(
        kStored,
        concat("chat ", chat.id, ": the store has ", chat.updates.size(), " updates, the chat says ", chat.last_sequence),
        {{"chat", chat.id}, {"user", chat.user}});
  }
  const auto found = chats_.find(chat.id);
  const std::size_t seen = found == chats_.end() ? 0 : found->second.digests.size();
  if (seen < chat.updates.size()) {
    verdict_.not_live(kComplete,
                      concat("chat ", chat.id, ": the client has seen ", seen, " of ", chat.updates.size(), " updates"),
                      {{"chat", chat.id}, {"user", chat.user}});
  }
  if (seen > chat.updates.size()) {
    verdict_.broken(kEqual,
                    concat("chat ", chat.id, ": the client has seen ", seen, " updates, the store has ", chat.updates.size()),
                    {{"chat", chat.id}, {"user", chat.user}});
  }
  for (std::size_t i = 0; i < std::min(seen, chat.updates.size()); ++i) {
    const auto stored = static_cast<std::int64_t>(digest(chat.updates[i].payload, kHashSeed));
    if (found->second.digests[i] == stored) continue;
    return verdict_.broken(kEqual, concat("chat ", chat.id, ": update ", i + 1, " was not what the store has"),
                           {{"chat", chat.id}, {"user", chat.user}});
  }
}

}  // namespace reliant::sim

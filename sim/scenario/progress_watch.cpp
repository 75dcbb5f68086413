#include "scenario/progress_watch.h"

#include <algorithm>

#include "base/text.h"
#include "kernel/option.h"

namespace reliant::sim {

void ProgressWatch::on_record(const TraceRecord& record) {
  const std::string* chat = record.text("chat");
  if (chat == nullptr) return;
  if (record.is("client.chat.done")) {
    chats_.erase(*chat);
    return;
  }
  if (record.is("client.chat.created")) chats_.try_emplace(*chat);
  if (const auto found = chats_.find(*chat); found != chats_.end()) found->second = {record.name, record.time, record.node};
  if (!record.is("client.update")) return;
  updates_.push_back(record.time);
  while (updates_.front() + kRecent < record.time) updates_.pop_front();
}

std::string ProgressWatch::describe(Instant now) const {
  const auto recent = std::ranges::count_if(updates_, [&](Instant time) { return time + kRecent >= now; });
  if (recent > 0)
    return concat("still progressing (", recent, " updates in the last ", to_text(kRecent), "): raise phases.quiesce");
  const auto silent = std::ranges::min_element(chats_, {}, [](const auto& chat) { return chat.second.time; });
  if (silent == chats_.end()) return "stuck (no chat that is not done was ever created)";
  const Last& last = silent->second;
  return concat("stuck (the last record of chat ", silent->first, " is ", last.name, " of node ", last.node, ", ",
                to_text(std::chrono::floor<std::chrono::seconds>(now - last.time)), " ago)");
}

}  // namespace reliant::sim

// Keys of what a turn writes (workflow/chat_activities.h): the same for every attempt, so that a retried activity writes
// nothing twice, and readable back, so that a conversation can be put in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace reliant::worker {

struct TurnKey {
  MessageId turn;           // the user message that began it
  std::int64_t step = 0;    // the model's answers, from 1
  std::int64_t index = -1;  // of a tool call in the answer; -1: the answer itself

  friend auto operator<=>(const TurnKey&, const TurnKey&) = default;
};

std::string to_text(const TurnKey& key);  // "<turn>/<step>" or "<turn>/<step>/<index>"
std::optional<TurnKey> turn_key_from(std::string_view text);

// The assistant's message of a step has the same id in every attempt: its chunks are sent under it before it is stored.
MessageId answer_id(const TurnKey& key);

}  // namespace reliant::worker

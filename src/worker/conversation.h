// Conversation: the stored messages of a chat, in the order in which a model must read them.
//
// They are stored in the order in which they happened, which is not the same: a user may write while a turn is going on,
// and parallel tools end in any order. Here every turn is: its user messages, then for each step the answer and the
// results of its tool calls, in the order of the calls. Messages of the user after `through_sequence` are left out: they
// are the next turn's.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "llm/model_provider.h"
#include "store/messages.h"

namespace reliant::worker {

// `turn`: the one that is going on; it began with the user message of that id.
std::vector<llm::ModelMessage> arrange(std::vector<store::Message> stored, const MessageId& turn,
                                       std::uint64_t through_sequence);

}  // namespace reliant::worker

// What repositories share of messages and updates, inside a transaction of theirs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/message.h"
#include "ports/database.h"
#include "runtime/task.h"
#include "store/messages.h"

namespace reliant::store {

// The content of a message as the table keeps it. An error: it is damaged.
Result<model::Content> content_from(const std::string& stored);
// Awaited within the expression that calls it. See Updates::append.
Task<Result<std::uint64_t>> append_updates(ports::Transaction& transaction, UserId user, ChatId chat, UpdateStream stream,
                                           std::vector<NewUpdate> updates);

}  // namespace reliant::store

// What the repositories of a chat share: numbers of its sequence are taken and used here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "model/update.h"
#include "ports/database.h"
#include "runtime/task.h"
#include "store/chats.h"

namespace reliant::store {

Status no_chat(const ChatId& id);  // NOT_FOUND, also for a chat of somebody else
std::string status_payload(model::ChatStatus status, const Status& error);

// All are awaited within the expression that calls them. The last of `count` numbers; NOT_FOUND. `bytes` are about to be
// stored in the chat (store/usage.h). With `unanswered`: only while the user's message with that sequence has no answer, else
// FAILED_PRECONDITION, kReasonTurnOver. With `key`: only while the chat has no message with it, else ALREADY_EXISTS.
Task<Result<std::uint64_t>> take_sequences(ports::Transaction& transaction, UserId user, ChatId chat, std::size_t count,
                                           std::size_t bytes, std::optional<std::uint64_t> unanswered = std::nullopt,
                                           std::string key = {});
// The chat's last sequence. See Chats::set_status.
Task<Result<std::uint64_t>> write_status(ports::Transaction& transaction, StatusChange change);
Task<Status> insert_update(ports::Transaction& transaction, model::Update update);
Task<Status> insert_updates(ports::Transaction& transaction, model::Update first, model::Update second);  // of one chat
// How messages has the message of a step.
std::string step_key(std::string_view step);

}  // namespace reliant::store

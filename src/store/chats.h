// Chats: who they belong to, what they are called, which daemon they work on, and how they stand (R8, R40).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "model/update.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/page.h"
#include "store/transact.h"

namespace reliant::store {

struct Chat {
  ChatId id;
  UserId user;
  ProjectId project;
  std::string title;
  model::ChatStatus status = model::ChatStatus::kIdle;
  DaemonId active_daemon;  // empty: none chosen
  std::uint64_t last_sequence = 0;
  std::uint64_t answered_up_to = 0;  // the turns that answered the user's messages up to here are over
  WallTime created_at;
};

struct NewChat {
  UserId user;
  ProjectId project;
  std::string title;
  ChatId id;               // empty: a new one
  DaemonId active_daemon;  // may be empty
};

struct ChatChange {
  std::optional<std::string> title;
  std::optional<DaemonId> active_daemon;  // an empty id: none
};

struct StatusChange {
  UserId user;
  ChatId chat;
  model::ChatStatus status = model::ChatStatus::kIdle;
  Status error;  // of kFailed: goes into the update
  // The end of a turn: the last message that it has seen. If the user has sent another one since, the chat
  // stays as it is, and only a failure or a cancel is reported. The end of the same turn again changes nothing.
  std::optional<std::uint64_t> answered_up_to;
};

// A chat of somebody else is NOT_FOUND. Every method may fail as Transactor does.
class Chats {
 public:
  explicit Chats(Transactor& transactor) : transactor_(transactor) {}

  // With an id, the same user and the same project again: the stored chat. NOT_FOUND (field project_id);
  // ALREADY_EXISTS (field id): it names another chat.
  Task<Result<Chat>> create(NewChat chat, Instant deadline);
  Task<Result<Chat>> get(UserId user, ChatId id, Instant deadline);
  // Newest first; of one project or (nullopt) of all.
  Task<Result<Page<Chat>>> list(UserId user, std::optional<ProjectId> project, PageRequest page, Instant deadline);
  Task<Result<Chat>> update(UserId user, ChatId id, ChatChange change, Instant deadline);
  // With its messages, updates and tool executions. FAILED_PRECONDITION while it is running.
  Task<Status> remove(UserId user, ChatId id, Instant deadline);
  // Writes the status and its update. The last sequence of the chat; no update when the status is the same
  // already.
  Task<Result<std::uint64_t>> set_status(StatusChange change, Instant deadline);
  // Whether a turn of any user is running, which a restarted process must take up (R25).
  Task<Result<bool>> any_running(Instant deadline);

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

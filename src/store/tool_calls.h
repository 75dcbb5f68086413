// ToolCalls: what an attempt of a tool call asks the store before it begins, and what it writes down before a
// daemon is asked: each in one transaction, since every tool call pays for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "model/tool.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/executions.h"
#include "store/messages.h"
#include "store/transact.h"

namespace reliant::store {

struct ToolCallState {
  std::optional<model::ToolResult> told;  // the conversation has a result of it: the call is over
  std::optional<Execution> execution;     // the request was recorded by an earlier attempt
  DaemonId chosen;                        // by the chat; empty: none
  std::string working_directory;          // the project's
};

struct ToolCallStart {
  model::ToolRequest request;  // of one that is not recorded (model::Durability), only the audit log has an entry (C50)
  UpdateStream stream;
  NewUpdate started;  // the update, unless the stream is beyond it
};

struct StartedToolCall {
  Execution execution;              // what counts: another attempt may have been first, with another daemon
  std::uint64_t last_sequence = 0;  // of the chat
};

class ToolCalls {
 public:
  explicit ToolCalls(Transactor& transactor) : transactor_(transactor) {}

  // `key`: of the result's message (store/messages.h). NOT_FOUND: the user has no such chat. May fail as
  // Transactor does.
  Task<Result<ToolCallState>> find(UserId user, ChatId chat, std::string key, RequestId request, Instant deadline);
  // PERMISSION_DENIED: the request is known as one of another user. NOT_FOUND: the user has no such chat. May
  // fail as Transactor does.
  Task<Result<StartedToolCall>> start(ToolCallStart start, Instant deadline);

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store

// Tool executions: what became of every request that left for a daemon and does more than read (C5, C6, C7).
//
//   state         may become
//   pending       dispatched, running, lost, done; done (not executed) when a cancel is asked for
//   dispatched    running, lost, done
//   running       lost, done
//   lost          done: the daemon came back with the result after all
//
// Only the daemon's journal knows what it has run. A request that was sent to one journal of a daemon and would be sent, or
// cancelled, at another one stays as it is for as long as it may run; after that it is done instead, its outcome
// unknown (C7): the memory was lost, or two machines share the id.
//   done          nothing: the first result is the result
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/tool.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

enum class ExecutionState : std::uint8_t { kPending, kDispatched, kRunning, kDone, kLost };

struct Execution {
  model::ToolRequest request;
  ExecutionState state = ExecutionState::kPending;
  std::int64_t epoch = 0;                   // of the daemon's stream that it was last seen on; 0 = none yet
  std::optional<model::ToolResult> result;  // of kDone
  WallTime created_at;
  std::string journal;        // where it was sent last
  bool cancel_asked = false;  // of an open one: it must not be started any more, and ended where it runs (C9)

  bool dispatched() const { return epoch > 0; }  // a gateway has sent it, or was about to
};

// The stream on whose behalf something is written: of the daemon that the request is for, and the newest (C2).
struct DaemonStream {
  UserId user;
  DaemonId daemon;
  std::int64_t epoch = 0;
  std::string journal;  // "" = not known
};

// It is open, and another journal than the stream's was given it.
bool sent_elsewhere(const Execution& execution, const DaemonStream& stream);

// Every method may fail as Transactor does. SUPERSEDED below is FAILED_PRECONDITION with that reason.
class Executions {
 public:
  explicit Executions(Transactor& transactor) : transactor_(transactor) {}

  // The stored one when the request id is known. PERMISSION_DENIED: it is known as a request of another user
  // or daemon.
  Task<Result<Execution>> insert(model::ToolRequest request, Instant deadline);
  // insert() and advance() to kDispatched in one transaction; nothing is stored when either fails.
  Task<Result<Execution>> dispatch(model::ToolRequest request, DaemonStream stream, Instant deadline);
  // On behalf of a stream. A step back or to the same state changes nothing and is OK. SUPERSEDED: the epoch is
  // not the daemon's current one. PERMISSION_DENIED: the request is for another daemon. NOT_FOUND.
  Task<Result<Execution>> advance(RequestId request, ExecutionState state, DaemonStream stream, Instant deadline);
  // Likewise, with the result. The answer holds the result that counts: the first one.
  Task<Result<Execution>> finish(RequestId request, DaemonStream stream, model::ToolResult result, Instant deadline);
  // A request that no gateway has sent yet ends here, as not executed; for one that was sent the cancel is recorded, so that
  // the daemon's next holder passes it on. Nothing when it has ended. With a stream, as advance(). NOT_FOUND.
  Task<Result<Execution>> ask_cancel(RequestId request, std::optional<DaemonStream> stream, Instant deadline);
  // The open ones of a tool call, which may have had several activities.
  Task<Result<std::vector<Execution>>> open_of_call(ChatId chat, ToolCallId call, Instant deadline);
  // Without a stream: no end is expected any more, because the daemon stayed away. Nothing when it is done.
  Task<Result<Execution>> lose(RequestId request, Instant deadline);
  Task<Result<Execution>> get(RequestId request, Instant deadline);  // NOT_FOUND
  // Loses the requests of which no end can be expected any more: their own timeout passed `overdue` ago, and their daemon
  // has been silent since `silent_since`. Returns how many.
  Task<Result<std::int64_t>> lose_overdue(Duration overdue, WallTime silent_since, Instant deadline);
  // Not done and not lost, oldest first: what a gateway replays when the daemon connects.
  Task<Result<std::vector<Execution>>> open(UserId user, DaemonId daemon, std::size_t limit, Instant deadline);

 private:
  Transactor& transactor_;
};

std::string_view to_string(ExecutionState state);
ExecutionState execution_state_from(std::string_view word);  // unknown word: kLost

}  // namespace reliant::store

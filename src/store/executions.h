// Tool executions: what became of every request that left for a daemon (C5, C6, C7).
//
//   state         may become
//   pending       dispatched, running, lost, done
//   dispatched    running, lost, done
//   running       lost, done
//   lost          done: the daemon came back with the result after all
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
  std::int64_t epoch = 0;  // of the daemon's stream that it was last seen on; 0 = none yet
  std::optional<model::ToolResult> result;  // of kDone
  WallTime created_at;

  bool dispatched() const { return epoch > 0; }  // a gateway has sent it, or was about to
};

// Every method may fail as Transactor does. SUPERSEDED below is FAILED_PRECONDITION with that reason.
class Executions {
 public:
  explicit Executions(Transactor& transactor) : transactor_(transactor) {}

  // The stored one when the request id is known. PERMISSION_DENIED: it is known as a request of another user
  // or daemon.
  Task<Result<Execution>> insert(model::ToolRequest request, Instant deadline);
  // On behalf of the daemon's stream of that epoch. A step back or to the same state changes nothing and is
  // OK. SUPERSEDED: the epoch is not the daemon's current one. NOT_FOUND.
  Task<Result<Execution>> advance(RequestId request, ExecutionState state, std::int64_t epoch,
                                  Instant deadline);
  // Likewise, with the result. The answer holds the result that counts: the first one.
  Task<Result<Execution>> finish(RequestId request, std::int64_t epoch, model::ToolResult result,
                                 Instant deadline);
  // Without a stream: nobody expects an end any more, because the daemon stayed away. Nothing when it is
  // done.
  Task<Result<Execution>> lose(RequestId request, Instant deadline);
  Task<Result<Execution>> get(RequestId request, Instant deadline);  // NOT_FOUND
  // Not done and not lost, oldest first: what a gateway replays when the daemon connects.
  Task<Result<std::vector<Execution>>> open(UserId user, DaemonId daemon, std::size_t limit,
                                            Instant deadline);

 private:
  Transactor& transactor_;
};

std::string_view to_string(ExecutionState state);
ExecutionState execution_state_from(std::string_view word);  // unknown word: kLost

}  // namespace reliant::store

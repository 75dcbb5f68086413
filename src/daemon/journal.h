// Journal: what this daemon knows of every request that it was ever given, in a small database of its own
// (C7). It is what makes a tool run at most once: a request is recorded as started before it runs,
// and as finished with its result before the result is sent, so that a repeated request is answered from the
// journal and nothing is run again.
//
//   state      event                        next       then
//   (none)     admit                        started    run it
//   started    admit, read-only/idempotent  started    run it again (the run before died with the process)
//   started    admit or open, other         finished   outcome unknown: it is never run again
//   started    finish                       finished   the result is offered until it is acknowledged
//   (none)     refuse                       finished   not executed: cancelled before it came (C9)
//   finished   admit                        finished   answered with the stored result
//   finished   acknowledge                  finished   output goes now, the text in an hour, the row in 30 days
//
// Owner: the Daemon. Executor: the logic thread. Every call may fail as store/transact.h says; a failed admit
// means that the tool must not run. Requests of one id are not worked on by two calls at a time: the Runner
// sees to that. Changes of several requests that come at a time are written in one transaction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/tool.h"
#include "ports/database.h"
#include "runtime/clock.h"
#include "runtime/context.h"
#include "runtime/random.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::daemon {

struct JournalRequest {
  RequestId id;
  std::string tool;
  std::string arguments;  // only their digest is kept: the same id with other arguments is somebody's defect
  model::Effect effect = model::Effect::kNonIdempotent;
};

struct Admission {
  std::optional<model::ToolResult> result;  // nullopt: run it now
  std::uint64_t last_chunk = 0;             // of the output there is already: numbers go on from here
  bool again = false;                       // it was begun in an earlier life, and may be run twice
};

struct OutputChunk {
  std::uint64_t number = 0;
  std::string data;
};

class Journal {
 public:
  static constexpr Duration kTextKept = std::chrono::hours(1);         // after the acknowledgement
  static constexpr Duration kWriteTimeout = std::chrono::seconds(30);  // for one transaction
  static constexpr Duration kRowKept = std::chrono::hours(30 * 24);    // longer than any activity is retried

  // `context` runs what gathers the changes of one transaction.
  Journal(Context& context, ports::Database& database, Clock& clock, Random random);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  // Makes the tables. Returns the requests that an earlier incarnation left unfinished: the processes that they
  // still run must be ended before settle(), which alone allows a second run.
  Task<Result<std::vector<RequestId>>> open(Instant deadline);
  Task<Status> settle(Instant deadline);
  // Valid after open(): the identity of this journal. A new journal after a loss, or that of a second machine with the same
  // daemon id, has another one.
  const std::string& id() const { return id_; }

  // INVALID_ARGUMENT: the id is known with another tool or other arguments.
  Task<Result<Admission>> admit(JournalRequest request, Instant deadline);
  // The first end stands: a second one changes nothing.
  Task<Status> finish(RequestId id, model::ToolResult result, Instant deadline);
  // Ends a request that is not running, whether or not it was ever seen, unless it has ended already.
  Task<Status> refuse(RequestId id, Instant deadline);
  // Nullopt: not known, or not finished.
  Task<Result<std::optional<model::ToolResult>>> result(RequestId id, Instant deadline);
  // It was admitted once, in this life or in one before.
  Task<Result<bool>> knows(RequestId id, Instant deadline);
  Task<Status> acknowledge(RequestId id, Instant deadline);
  // Finished and not acknowledged, oldest first.
  Task<Result<std::vector<RequestId>>> unacknowledged(Instant deadline);
  Task<Status> prune(Instant deadline);

  // Adds a chunk, and forgets all up to `forget`.
  Task<Status> add_output(RequestId id, OutputChunk chunk, std::uint64_t forget, Instant deadline);
  // The first chunk behind `after`; nullopt: there is none.
  Task<Result<std::optional<OutputChunk>>> output_after(RequestId id, std::uint64_t after, Instant deadline);

 private:
  class Changes;

  store::Transactor transactor_;
  std::string id_;
  std::unique_ptr<Changes> changes_;
};

}  // namespace reliant::daemon

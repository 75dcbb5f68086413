// VisibilityStore: what lists and counts of workflows are made of, a small row for each run beside its state. Its key is the
// order of lists: running ones, then closed ones, the latest first. Reading suspends; writing only makes the statements
// for the committer, for the transaction that changes the run, so a list never shows what is not there.
#pragma once

#include <temporal/api/workflow/v1/message.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "ports/database.h"
#include "runtime/time.h"
#include "temporal/engine/committer.h"
#include "temporal/engine/mutable_state.h"
#include "temporal/engine/visibility_query.h"

namespace reliant::temporal::engine {

class VisibilityStore {
 public:
  static const std::string_view kSchema;

  explicit VisibilityStore(ports::Database& database) : database_(database) {}

  // Makes rows for the runs of a file that an earlier version has written, some in each call. True: all have theirs.
  Task<Result<bool>> fill(Instant deadline);
  // The next ones behind `after` in the order of lists, of those that run or are closed as `which` says.
  enum class Which : std::uint8_t { kAll, kRunning, kClosed };
  Task<Result<std::vector<VisibleRun>>> read(std::string ns, VisibleRun after, Which which, Instant deadline);
  // What is shown of them; a run that was removed in between is left out. As far as `bytes` go, and at least one.
  struct Shown {
    std::vector<api::workflow::v1::WorkflowExecutionInfo> executions;
    std::size_t read = 0;  // of `runs`
  };
  Task<Result<Shown>> show(std::string ns, std::vector<VisibleRun> runs, std::size_t bytes, Instant deadline);

  static void insert(const Run& run, std::vector<Write>& writes);
  static void change(const Run& run, std::vector<Write>& writes);  // while it runs
  static void close(const Run& run, std::vector<Write>& writes);
  static void remove(const Run& run, std::vector<Write>& writes);

 private:
  ports::Database& database_;
};

// Comes before all others in the order of lists.
VisibleRun before_all();

}  // namespace reliant::temporal::engine

// Committer: the one writer. It takes the changes that have been submitted, each of another workflow, and writes as many
// as there are in one transaction, up to a number of bytes: under load a commit is shared by many RPCs, and large payloads
// do not keep the thread from what else it has to do for longer than one of them takes.
//
// A submitted change survives the destruction of its caller; `ended` receives the outcome exactly once, unless the engine dies.
// Failures: what cannot have been written is tried again for a while, then UNAVAILABLE; a commit in doubt is settled by
// reading a run's version, for as long as it takes, since until then the runs stay locked.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_log.h"
#include "ports/database.h"
#include "runtime/event.h"
#include "runtime/executor.h"

namespace reliant::temporal::engine {

struct Write {
  std::string_view sql;
  ports::Values values;
};

class Commit {
 public:
  virtual ~Commit() = default;
  virtual void ended(const Status& status) = 0;

  // Of all values that are written.
  std::size_t bytes() const;

  std::vector<Write> writes;
  std::string run_id;        // the row that tells whether it was written:
  std::int64_t version = 0;  // it has at least this version then
};

class Committer {
 public:
  Committer(Executor& executor, ports::Database& database, EventLog& log)
      : executor_(executor), database_(database), log_(log) {}

  void submit(std::unique_ptr<Commit> commit);
  Task<void> run();

 private:
  using Batch = std::vector<std::unique_ptr<Commit>>;

  Task<Status> write(Batch& batch);
  Task<Status> write_once(Batch& batch, Instant deadline);
  Task<bool> was_written(std::string run_id, std::int64_t version);

  Executor& executor_;
  ports::Database& database_;
  EventLog& log_;
  std::deque<std::unique_ptr<Commit>> queue_;
  Event submitted_;
};

}  // namespace reliant::temporal::engine

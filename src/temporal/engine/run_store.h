// RunStore: the tables of the engine. Reading suspends; writing only makes the statements for the committer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/database.h"
#include "runtime/time.h"
#include "temporal/engine/committer.h"
#include "temporal/engine/mutable_state.h"

namespace reliant::temporal::engine {

class RunStore {
 public:
  struct Armed {
    std::string ns;
    std::string workflow_id;
    std::string run_id;
    std::int64_t at;
  };
  struct Closed {
    std::string ns;
    std::string workflow_id;
    std::string run_id;
  };
  struct Unfinished {
    std::vector<Armed> timers;
    std::vector<std::unique_ptr<Run>> waiting;  // with tasks for pollers, or with deliveries
  };
  struct Page {
    std::vector<HistoryEvent> events;
    std::int64_t next_event_id = 0;  // 0: that was all
  };
  struct PageLimit {
    std::size_t events;
    std::size_t bytes;
  };

  explicit RunStore(ports::Database& database) : database_(database) {}

  Task<Status> migrate(Instant deadline);
  // The latest time that was kept; 0: none was.
  Task<Result<std::int64_t>> time_reached(Instant deadline);
  Task<Status> keep_time(std::int64_t now, Instant deadline);
  // Nullopt: there is no such workflow.
  Task<Result<std::optional<std::string>>> current_run(std::string ns, std::string workflow_id, Instant deadline);
  // Null: there is no such run.
  Task<Result<std::unique_ptr<Run>>> load(std::string run_id, Instant deadline);
  // Events [from, to] as far as the page goes; `to` 0: all.
  Task<Result<Page>> read_history(std::string run_id, std::int64_t from, std::int64_t to, PageLimit limit, Instant deadline);
  // Events from `from` down to the first one, as far as the page goes.
  Task<Result<Page>> read_history_backwards(std::string run_id, std::int64_t from, PageLimit limit, Instant deadline);
  Task<Result<Unfinished>> unfinished(Instant deadline);
  // Some of them, the oldest first.
  Task<Result<std::vector<Closed>>> closed_before(std::int64_t time, Instant deadline);

  // `finished` is what the run's `finish` returned.
  static void insert(Run& run, const Run::Changes& finished, std::vector<Write>& writes);
  static void update(Run& run, const Run::Changes& finished, std::vector<Write>& writes);
  static void remove(const Run& run, std::vector<Write>& writes);
  static Write time_write(std::int64_t now);

 private:
  enum class Direction : std::uint8_t { kForwards, kBackwards };

  Task<Result<ports::Rows>> read_batches(std::string run_id, std::int64_t event_id, Direction direction, std::size_t bytes,
                                         Instant deadline);
  Task<Result<ports::Rows>> read(std::string_view sql, ports::Values values, Instant deadline);

  ports::Database& database_;
};

}  // namespace reliant::temporal::engine

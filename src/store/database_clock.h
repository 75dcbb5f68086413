// DatabaseClock: the calendar of the database's machine, as a process of another machine reads it. Leases, deadlines and expiries
// that one server writes and another one judges are in this time, so the servers' own calendars may be minutes apart.
//
// It is the time that the database said when it was last asked, and what has passed since then on the process's monotonic clock:
// wrong by half of a round trip, and by what the clocks drift apart in kMeasureEvery. Until the first measurement it is the
// process's own calendar. Owner: the composition root; its references outlive it. Executor: the logic thread.
#pragma once

#include <optional>

#include "base/event_log.h"
#include "base/status.h"
#include "ports/database.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::store {

class DatabaseClock final : public Clock {
 public:
  static constexpr Duration kMeasureEvery = std::chrono::seconds(10);  // a third of a gateway's lease
  // An answer that took longer is not taken in place of an earlier one: the process or the network stood still.
  static constexpr Duration kLongestTrip = std::chrono::seconds(1);

  DatabaseClock(ports::Database& database, Clock& local) : database_(database), local_(local) {}

  Instant now() const override { return local_.now(); }
  WallTime wall_now() const override;

  // One question to the database. DEADLINE_EXCEEDED: the answer took too long to be of use. Other errors: those of the port.
  Task<Status> measure(Instant deadline);
  // Every kMeasureEvery, for as long as its scope runs; sooner after a failure.
  Task<void> keep_measured(EventLog& log);

 private:
  struct Measured {
    WallTime wall;
    Instant at;
  };

  ports::Database& database_;
  Clock& local_;
  std::optional<Measured> measured_;
};

}  // namespace reliant::store

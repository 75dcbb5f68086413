// Writable: whether the database takes writes, for /ready. A disk that is full still reads, so nothing but a write shows it.
//
// Each look writes kBytes that no compression makes smaller: in the pages that a database has already, a few bytes find room
// long after the disk has none. They replace what an earlier look of some process has written, so that nothing grows. Looks are
// bounded in number, however often check() is called, since anybody may ask whether a server is ready.
//
// Owner: the Store. Executor: the logic thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

class Writable {
 public:
  static constexpr Duration kLookEvery = std::chrono::seconds(10);
  static constexpr Duration kLookAgain = std::chrono::seconds(1);  // after one that has failed, or a write that has
  static constexpr std::size_t kBytes = std::size_t{64} << 10;
  static constexpr std::int64_t kRows = 16;  // so that looks of several processes seldom meet

  Writable(Transactor& transactor, Clock& clock) : transactor_(transactor), clock_(clock) {}

  // What a look says, or what the last one said while none is due. RESOURCE_EXHAUSTED with kReasonDiskFull: there is no room.
  Task<Status> check(Instant deadline);
  // A write was refused for want of room: a look is due.
  void suspect() { suspected_ = true; }

 private:
  bool is_due() const;

  Transactor& transactor_;
  Clock& clock_;
  Status last_;
  Instant looked_at_{};
  bool looked_ = false;
  bool looking_ = false;
  bool suspected_ = false;
};

}  // namespace reliant::store

// WorkflowLocks: one turn at a time for each workflow id, so that RPCs and timers on one workflow follow each other while
// those on others go on. First come, first served. A waiter that is destroyed leaves the queue.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "runtime/channel.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::temporal::engine {

class WorkflowLocks {
  struct Slot {
    Channel<std::monostate> turn{1};  // its one item is the turn
    std::size_t users = 0;            // holding or waiting
  };
  using Slots = std::map<std::string, Slot>;

 public:
  // The turn, until destroyed. The locks outlive it.
  class Guard {
   public:
    Guard(Guard&& other) noexcept
        : locks_(std::exchange(other.locks_, nullptr)), slot_(other.slot_), held_(other.held_) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard();

   private:
    friend class WorkflowLocks;
    Guard(WorkflowLocks& locks, Slots::iterator slot) : locks_(&locks), slot_(slot) { ++slot->second.users; }
    WorkflowLocks* locks_;
    Slots::iterator slot_;
    bool held_ = false;
  };

  // Nullopt: `deadline` came first.
  Task<std::optional<Guard>> lock(std::string key, Instant deadline);
  bool idle() const { return slots_.empty(); }

 private:
  Slots slots_;
};

}  // namespace reliant::temporal::engine

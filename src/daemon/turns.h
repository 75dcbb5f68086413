// Turns: so many tools run at a time on a machine; more wait, first come first served; and no more than that wait, because
// a machine that is asked for more than it can do must say so instead of falling behind for ever.
//
// Owner: the Runner; outlives those who wait and those who have a turn. Executor: the logic thread. Nothing fails. Who is
// destroyed while it waits has left the queue; a turn that was given to it goes to the next.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "runtime/event.h"
#include "runtime/task.h"

namespace reliant::daemon {

class Turns {
 public:
  // To be had until it is destroyed.
  class Turn {
   public:
    explicit Turn(Turns& turns) : turns_(&turns) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(turns_, other.turns_);
      return *this;
    }
    ~Turn() {
      if (turns_) turns_->give_back();
    }

   private:
    Turns* turns_;
  };

  Turns(std::size_t most, std::size_t most_waiting) : free_(most), most_waiting_(most_waiting) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // Nullopt: there is none free.
  std::optional<Turn> try_take();
  bool full() const { return waiting_.size() >= most_waiting_; }
  std::size_t waiting() const { return waiting_.size(); }
  // Nullopt: `leaves` was set first.
  Task<std::optional<Turn>> wait(Event& leaves);

 private:
  struct Waiting;
  void give_back();

  std::size_t free_;  // more than zero: nobody waits
  std::size_t most_waiting_;
  std::deque<Waiting*> waiting_;
};

}  // namespace reliant::daemon

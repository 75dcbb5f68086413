// HashLadder: the run's hash at regular steps. Two runs of one seed must have equal ladders; the first rung that
// differs brackets the first step that differed, and a second run with spacing 1 from the rung before it names
// the step.
//
// A plain value: owned by the simulation, copied to be compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/time.h"

namespace reliant::sim {

struct Rung {
  std::uint64_t step;
  Instant time;
  std::uint64_t hash;  // of everything up to and including that step

  friend bool operator==(const Rung&, const Rung&) = default;
};

class HashLadder {
 public:
  // A rung after every `spacing` steps (> 0), from step `first_step` on.
  explicit HashLadder(std::uint64_t spacing, std::uint64_t first_step = 0);

  // How many steps may be made after `step` before the next rung is due.
  std::uint64_t steps_to_next(std::uint64_t step) const;
  bool due(std::uint64_t step) const;
  void add(Rung rung) { rungs_.push_back(rung); }

  const std::vector<Rung>& rungs() const { return rungs_; }

 private:
  std::uint64_t spacing_;
  std::uint64_t first_step_;
  std::vector<Rung> rungs_;
};

// The index of the first rung in which the two differ, or that only one of them has. Nullopt: equal.
std::optional<std::size_t> first_difference(const HashLadder& a, const HashLadder& b);

}  // namespace reliant::sim

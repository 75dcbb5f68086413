#include "kernel/hash_ladder.h"

#include <algorithm>

#include "base/assert.h"

namespace reliant::sim {

HashLadder::HashLadder(std::uint64_t spacing, std::uint64_t first_step) : spacing_(spacing), first_step_(first_step) {
  RELIANT_ASSERT(spacing > 0, "rungs are at least one step apart");
}

std::uint64_t HashLadder::steps_to_next(std::uint64_t step) const {
  if (step < first_step_) return first_step_ - step;
  return spacing_ - (step - first_step_) % spacing_;
}

bool HashLadder::due(std::uint64_t step) const {
  return step > 0 && step >= first_step_ && (step - first_step_) % spacing_ == 0;
}

std::optional<std::size_t> first_difference(const HashLadder& a, const HashLadder& b) {
  const std::vector<Rung>& left = a.rungs();
  const std::vector<Rung>& right = b.rungs();
  const std::size_t common = std::min(left.size(), right.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (left[i] != right[i]) return i;
  }
  if (left.size() == right.size()) return std::nullopt;
  return common;
}

}  // namespace reliant::sim

// The faults of clocks and of laptops.
#include <utility>

#include "base/text.h"
#include "faults/fault_engine.h"
#include "runtime/sleep.h"

namespace reliant::sim {

void FaultEngine::act(const Sleep& fault, std::uint32_t there, Random& random) {
  const Duration lasts = fault.lasts.draw(random);
  const bool stands = random.below(kMillion) < static_cast<std::uint64_t>(fault.clock_stands.value);
  const bool moves = random.below(kMillion) < static_cast<std::uint64_t>(fault.moves.value);
  const bool noticed = random.chance(1, 2);
  Node* node = pick(fault.node, there, random);
  if (node == nullptr || node->paused()) return;
  announce(Sleep::kName, *node, stands ? "clock_stands" : "", lasts);
  if (stands) {
    node->fall_asleep(lasts);
  } else {
    node->pause();
  }
  scope_->spawn(wake_later(*node, lasts, moves, noticed));
}

Task<void> FaultEngine::wake_later(Node& node, Duration delay, bool moved, bool noticed) {
  const Incarnation life = node.incarnation();
  co_await sleep_for(delay);
  if (!life.alive()) co_return;
  simulation_.trace().record(0, Level::kInfo, "fault.resumed", {{"target", node.name()}});
  if (moved) network_.half_open(node, nullptr, Network::Believes::kPeer, noticed);
  node.resume();
}

void FaultEngine::act(const ClockJump& fault, std::uint32_t there, Random& random) {
  const Duration by = fault.by.draw(random);
  const bool back = random.below(kMillion) < static_cast<std::uint64_t>(fault.back.value);
  Node* node = pick(fault.node, there, random);
  if (node == nullptr) return;
  announce(ClockJump::kName, *node, back ? "back" : "", by);
  node->clock().set_wall_offset(node->clock().wall_offset() + (back ? -by : by));
}

void FaultEngine::act(const ClockDrift& fault, std::uint32_t there, Random& random) {
  const std::int64_t rate = random.between(0, fault.rate.value);
  const bool slow = random.below(kMillion) < static_cast<std::uint64_t>(fault.slow.value);
  const Duration lasts = fault.lasts.draw(random);
  Node* node = pick(fault.node, there, random);
  if (node == nullptr) return;
  announce(ClockDrift::kName, *node, slow ? "slow" : "", lasts);
  node->set_clock_rate(slow ? -rate : rate);
  scope_->spawn(set_rate_right_later(*node, lasts));
}

Task<void> FaultEngine::set_rate_right_later(Node& node, Duration delay) {
  co_await sleep_for(delay);
  node.set_clock_rate(0);
}

}  // namespace reliant::sim

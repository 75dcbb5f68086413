#include "kernel/simulation.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "runtime/frame_pool.h"

namespace reliant::sim {
namespace {

Executor executor_of(const RandomStreams& streams, Choices* choices) {
  if (choices != nullptr) return Executor(*choices);
  Random random = streams.stream("executor");
  return Executor(random.next());
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, SimulationOptions options)
    : frames_before_(FramePool::live()),
      streams_(seed),
      executor_(executor_of(streams_, options.choices)),
      trace_(executor_, options.trace_keep),
      ladder_(options.ladder_spacing, options.ladder_first_step),
      world_(executor_, 0) {
  executor_.set_failure_handler(&failure_);
  executor_.mix(seed);
}

Node& Simulation::add_node(std::string name) {
  RELIANT_ASSERT(find_node(name) == nullptr, "node names are unique");
  const auto id = static_cast<std::uint32_t>(nodes_.size() + 1);
  return nodes_.emplace_back(executor_, times_, streams_, trace_, std::move(name), id);
}

Node* Simulation::find_node(std::string_view name) {
  for (Node& node : nodes_) {
    if (node.name() == name) return &node;
  }
  return nullptr;
}

std::uint64_t Simulation::run_until(Instant until) { return advance(until, Executor::kUnlimited); }

std::uint64_t Simulation::run(std::uint64_t max_steps) { return advance(kNever, max_steps); }

// In stretches that end where a rung is due.
std::uint64_t Simulation::advance(Instant until, std::uint64_t max_steps) {
  std::uint64_t made = 0;
  for (;;) {
    const std::uint64_t stretch = std::min(ladder_.steps_to_next(executor_.steps()), max_steps - made);
    const std::uint64_t steps = executor_.run_until(until, stretch);
    made += steps;
    if (steps > 0 && ladder_.due(executor_.steps())) {
      ladder_.add({executor_.steps(), executor_.now(), executor_.hash()});
    }
    if (steps < stretch || made == max_steps) return made;
  }
}

LiveCounts Simulation::live() const {
  LiveCounts counts;
  counts.registered = executor_.registered();
  counts.frames = FramePool::live() - frames_before_;
  counts.tasks = world_.size();
  for (const Node& node : nodes_) counts.tasks += node.tasks();
  return counts;
}

void Simulation::shutdown() {
  std::for_each(nodes_.rbegin(), nodes_.rend(), [](Node& node) { node.shutdown(); });
  world_.cancel();
  executor_.reap();
}

}  // namespace reliant::sim

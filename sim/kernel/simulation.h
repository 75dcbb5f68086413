// Simulation: a whole distributed system in one thread, from one seed. It owns the seeded executor, the
// virtual clock, the labelled random streams, the nodes, the trace and the hash ladder; the simulated ports
// (sim/world) are built on it, and decide nothing by anything else. Same seed, same program: same hash, on
// every machine.
//
// Run it through `run_until`, `run_for` and `run`, which keep the ladder. Destruction order: `shutdown`
// destroys all frames; then the world's objects that have timers on the executor; then the Simulation. At most
// one simulation a thread: the leak counters are per thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "kernel/hash_ladder.h"
#include "kernel/node.h"
#include "kernel/trace.h"
#include "runtime/choices.h"
#include "runtime/executor.h"
#include "runtime/failure_handler.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "runtime/time.h"

namespace reliant::sim {

struct SimulationOptions {
  std::uint64_t ladder_spacing = 1024;  // steps between two rungs
  std::uint64_t ladder_first_step = 0;  // with spacing 1: look at a window
  std::size_t trace_keep = 65'536;      // records kept in memory
  Choices* choices = nullptr;           // what picks the next step; borrowed; null: the seed does
};

// Objects that still exist. After `shutdown` and the destruction of the world all counts are zero, or something leaks.
struct LiveCounts {
  std::size_t registered = 0;  // waits and timers with the executor
  std::size_t tasks = 0;       // spawned directly below a node or the world
  std::ptrdiff_t frames = 0;   // coroutine frames and spawned tasks since the simulation was made

  friend bool operator==(const LiveCounts&, const LiveCounts&) = default;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed, SimulationOptions options = {});
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation() { shutdown(); }

  std::uint64_t seed() const { return streams_.seed(); }
  Executor& executor() { return executor_; }
  Instant now() const { return executor_.true_now(); }  // true time, also where a node's clock shows another
  Trace& trace() { return trace_; }
  // A stream of the world. Each label names one stream: two calls with one label give the same numbers.
  Random random(std::string_view label) const { return streams_.stream(label); }

  // Node 0, which never crashes: networks, faults, workloads.
  TaskScope& world() { return world_; }

  // Nodes are numbered from 1 in the order in which they are added. Names are unique.
  Node& add_node(std::string name);
  Node* find_node(std::string_view name);
  Node& node(std::uint32_t id) { return nodes_.at(id - 1); }
  std::deque<Node>& nodes() { return nodes_; }

  // Each returns the steps made. `run_until` leaves the clock at `until`; `run` stops when nothing is left to
  // run.
  std::uint64_t run_until(Instant until);
  // Stops after `max_steps` as well: for runs that may loop without time advancing.
  std::uint64_t run_until(Instant until, std::uint64_t max_steps) { return advance(until, max_steps); }
  std::uint64_t run_for(Duration duration) { return run_until(after(now(), duration)); }
  std::uint64_t run(std::uint64_t max_steps = Executor::kUnlimited);
  // Steps until `done()` holds (checked before each step) and stops the clock there, or until all up to
  // `limit` has happened. Returns `done()`.
  template <class Predicate>
  bool run_until(Predicate done, Instant limit) {
    while (!done()) {
      if (advance(limit, 1) == 0) return done();
    }
    return true;
  }

  // Nothing is ready and no timer is set: without a new spawn nothing will happen again.
  bool quiescent() const { return executor_.registered() == 0; }
  LiveCounts live() const;
  // The first exception that left a task of any node or of the world without a joiner: a defect, since roles handle
  // the failures they expect. A production process terminates on it.
  const FirstFailure& failure() const { return failure_; }

  // Of every step and every trace record so far.
  std::uint64_t hash() const { return executor_.hash(); }
  const HashLadder& ladder() const { return ladder_; }

  // Crashes every node and destroys every frame, the newest node first. Not from inside of a run.
  void shutdown();

 private:
  std::uint64_t advance(Instant until, std::uint64_t max_steps);

  std::ptrdiff_t frames_before_;
  RandomStreams streams_;
  NodeTimes times_;
  FirstFailure failure_;
  Executor executor_;
  Trace trace_;
  HashLadder ladder_;
  TaskScope world_;
  std::deque<Node> nodes_;
};

}  // namespace reliant::sim

// Node: one simulated process. It runs a program (a role with its ports) in a root scope of its own; a crash
// destroys every frame below that scope, at whatever point each one waits, and a restart runs the program
// again.
//
// What a crash must not destroy (disks, the network, other processes) lives outside, in the world. World code
// that acts for a node keeps an `Incarnation` and checks `alive()` first: a crashed process can no longer act,
// not even in the step of the crash.
//
// Starting and ending are in the trace: "node.started", "node.crashed", "node.exited".
// A process can also be asked to stop (and ends by itself), be paused, and have a clock of its own (NodeTimes).
//
// Owned by the `Simulation`; never moves. Everything here may be called from anywhere on its thread, also
// from inside of the node itself. An exception that leaves a task of its program: see Simulation::failure().
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/event_log.h"
#include "kernel/sim_clock.h"
#include "kernel/trace.h"
#include "runtime/event.h"
#include "runtime/executor.h"
#include "runtime/node_times.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "runtime/task.h"

namespace reliant::sim {

class Node;

// One incarnation of a node, from start to crash. Refers to the node, which must outlive it.
class Incarnation {
 public:
  Incarnation(const Node& node, std::uint32_t epoch) : node_(&node), epoch_(epoch) {}
  inline bool alive() const;
  const Node& node() const { return *node_; }
  std::uint32_t epoch() const { return epoch_; }

 private:
  const Node* node_;
  std::uint32_t epoch_;
};

// Part of the world that must be notified when a process dies: a disk that loses unsynced writes, a network that
// closes connections. Called in the step of the crash, before the frames are destroyed; the node is already down.
class NodeObserver {
 public:
  virtual void node_crashed(Node& node) = 0;
  virtual void node_restarted(Node&) {}
  virtual void node_paused(Node&) {}
  virtual void node_resumed(Node&) {}

 protected:
  ~NodeObserver() = default;
};

class Node {
 public:
  // Makes the task that is the process. Kept, and called again by each restart. It may capture, if it only
  // calls the coroutine: a lambda that is itself a coroutine must not.
  using Program = std::function<Task<void>(Node&)>;

  class [[nodiscard]] CrashHere {
   public:
    explicit CrashHere(Node& node) : node_(node) {}
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      RELIANT_ASSERT(handle.promise().context->node == node_.id_, "crash_here is awaited inside of its node");
      node_.crash();
    }
    void await_resume() const noexcept {}

   private:
    Node& node_;
  };

  Node(Executor& executor, NodeTimes& times, const RandomStreams& streams, Trace& trace, std::string name, std::uint32_t id);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& name() const { return name_; }
  std::uint32_t id() const { return id_; }
  std::uint32_t epoch() const { return epoch_; }  // starts at 1, grows with each crash
  bool up() const { return up_; }
  Incarnation incarnation() const { return Incarnation(*this, epoch_); }

  // Sets the program and runs it.
  void start(Program program);
  // If the node is down, the task is destroyed.
  void spawn(Task<void> task) { (void)try_spawn(std::move(task)); }
  // False: the node is down, or its scope has stopped after a failure; the task was destroyed.
  [[nodiscard]] bool try_spawn(Task<void> task) { return up_ && scope_->try_spawn(std::move(task)); }

  // Ends this incarnation: the node is down at once, its frames are destroyed after the running step. If the caller
  // is part of the node, it runs on to its next suspension. No effect on a node that is down.
  void crash();
  // Starts the next incarnation; crashes the node first if it is up. Runs the program, if one was set.
  void restart();
  // SIGTERM: asks the program to end by exit(), in `grace` at the latest. No effect on a node that is down.
  void ask_to_stop(Duration grace);
  // For the program: waits for the SIGTERM; returns the instant by which the program must have ended.
  Task<Instant> until_asked_to_stop();
  bool asked_to_stop() const { return asked_to_stop_.is_set(); }
  // The process ends by itself: like a crash, but its kernel closes every connection.
  void exit();
  bool ended_in_order() const { return ended_in_order_; }  // the last incarnation

  // SIGSTOP: nothing of this process runs; its timers pile up, messages to it wait in buffers, its clock goes on.
  void pause();
  // The machine sleeps: a pause, in which its monotonic clock stands still. Its calendar goes on.
  void fall_asleep(Duration planned);
  // SIGCONT: it runs on with everything that became due during the pause. No effect on a node that is not paused.
  void resume();
  bool paused() const { return paused_; }
  // Makes its monotonic clock run faster by that rate (negative: slower) from now on.
  void set_clock_rate(std::int64_t ahead_per_million);
  std::int64_t clock_rate() const { return clock_rate_; }

  // `co_await node.crash_here()`: a crash point; the caller never resumes.
  CrashHere crash_here() { return CrashHere(*this); }

  Executor& executor() { return executor_; }
  TaskScope& scope() { return *scope_; }  // of this incarnation
  Context& context() { return scope_->context(); }
  SimClock& clock() { return clock_; }
  EventLog& log() { return logs_.back(); }  // of this incarnation; later ones have their own
  // A stream of this node's own, different in each incarnation.
  Random random(std::string_view label) const;

  void add_observer(NodeObserver& observer) { observers_.push_back(&observer); }

  // Owners of frames that still exist, in this incarnation and in those that are being destroyed.
  std::size_t tasks() const;

  // Destroys everything at once, from outside of a run. The node stays down.
  void shutdown();

 private:
  class Log final : public EventLog {
   public:
    Log(Trace& trace, Incarnation author) : trace_(trace), author_(author) {}
    void record(Level level, std::string_view name, std::initializer_list<Field> fields) override;

   private:
    Trace& trace_;
    Incarnation author_;
  };

  void begin_life();
  void end_life();
  template <class Change>
  void change_time(Change change);
  void bury();  // frees the scopes of past incarnations that have no frames left

  Executor& executor_;
  NodeTimes& times_;
  const RandomStreams& streams_;
  Trace& trace_;
  std::string name_;
  std::uint32_t id_;
  std::uint32_t epoch_ = 1;
  bool up_ = true;
  bool paused_ = false;
  std::int64_t clock_rate_ = 0;
  Instant asleep_until_{};  // as planned
  bool ended_in_order_ = false;
  Event asked_to_stop_;
  Instant stop_by_{};
  SimClock clock_;
  Program program_;
  std::vector<NodeObserver*> observers_;
  std::deque<Log> logs_;  // one for each incarnation, all kept: a dying frame may still refer to its own
  std::vector<std::unique_ptr<TaskScope>> dying_;
  std::unique_ptr<TaskScope> scope_;
};

inline bool Incarnation::alive() const { return node_->up() && node_->epoch() == epoch_; }

}  // namespace reliant::sim

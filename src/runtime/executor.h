// Executor: how everything runs, in both worlds. A ready list, timers and the time; one step takes one entry
// and resumes one coroutine. In the simulator the seed picks from the ready list and the clock jumps to the
// next timer (`run`, `run_until`); in production entries run in order and a driver derives from this class to
// feed it real time (the protected part). No virtual call is on the hot path.
//
// One thread, no locks. It owns no coroutine, and must outlive every scope, wait and timer registered with it
// (checked at destruction). `now()` is the time of the running step or batch, in nanoseconds since the start.
//
// A node (a simulated process) may have a time of its own (`NodeTimes`): its code reads that time, and sets timers in it.
//
// What dies, dies between two steps: `reap_later` registers a scope whose frames are to be destroyed, and the
// executor does so after the running step and before any other.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "runtime/choices.h"
#include "runtime/context.h"
#include "runtime/failure_handler.h"
#include "runtime/list.h"
#include "runtime/node_times.h"
#include "runtime/random.h"
#include "runtime/ready_list.h"
#include "runtime/time.h"
#include "runtime/timer_heap.h"
#include "runtime/wake.h"

namespace reliant {

// Something with frames to be destroyed between two steps.
class Reapable : public ListNode {
 public:
  virtual void reap() = 0;

 protected:
  ~Reapable() = default;
};

class Executor {
 public:
  enum class Order : std::uint8_t {
    kSeeded,  // the seed picks: every interleaving is possible and repeats from its seed
    kFifo,    // oldest first
  };
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  explicit Executor(std::uint64_t seed, Order order = Order::kSeeded) : random_(seed), order_(order) {}
  // `choices`, which outlives it, picks where a seed would: a run repeats from what they answer.
  explicit Executor(Choices& choices) : random_(0), order_(Order::kSeeded), choices_(&choices) {}
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor();

  // The time of the running code's node.
  Instant now() const noexcept {
    if (times_ != nullptr && current_ != nullptr) [[unlikely]]
      return times_->local(current_->node, now_);
    return now_;
  }
  Instant now_at(std::uint32_t node) const noexcept { return times_ == nullptr ? now_ : times_->local(node, now_); }
  Instant true_now() const noexcept { return now_; }  // of the world, the same for every node
  std::uint64_t steps() const noexcept { return steps_; }
  // Of every step so far: which node ran, which choice was made, at what time. Equal seeds give equal hashes.
  std::uint64_t hash() const noexcept { return hash_; }
  void mix(std::uint64_t value) noexcept {
    hash_ = (hash_ ^ value) * 0x9ddfea08eb382d69ull;
    hash_ ^= hash_ >> 32;
  }

  // How many entries are ready or have a timer. Zero: nothing will ever happen of itself.
  std::size_t registered() const noexcept { return ready_.size() + timers_.size() + held_.size(); }
  // When the next step can run: now if something is ready, `kNever` if nothing is registered.
  Instant next_event() const noexcept {
    if (!ready_.empty() || !dying_.empty()) return now_;
    return next_timer();
  }

  // One step, moving the clock if nothing is ready. False: nothing was left to run.
  bool step();
  // Steps until nothing is left, or `max_steps`. Returns how many were made.
  std::uint64_t run(std::uint64_t max_steps = kUnlimited);
  // Runs all that happens up to and including `until`, then sets the clock to it. When `max_steps` have been
  // made, it returns at once and the clock stays where it is. Returns the steps made.
  std::uint64_t run_until(Instant until, std::uint64_t max_steps = kUnlimited);

  // Whether the running coroutine belongs to `context` or to a scope below it.
  bool running_inside(const Context& context) const noexcept;
  void reap_later(Reapable& reapable);
  // Destroys now what was registered to be. Only between steps, where `step` and `run` do it of themselves.
  void reap();
  // Resumes a waiting coroutine within the current step. Only as the last act of a `Wake` callback.
  void resume_now(Wake& wake) {
    wake.cancel();
    if (times_ != nullptr && times_->held(wake.context_->node)) [[unlikely]]
      return hold(wake);
    current_ = wake.context_;
    mix(wake.context_->node);
    wake.waiter_.resume();
  }

  // --- exceptions that no task waits for ---
  void set_failure_handler(FailureHandler* handler) noexcept { failure_handler_ = handler; }  // borrowed; null: abort
  void uncaught(std::uint32_t node, const std::exception_ptr& error) noexcept;

  // --- nodes with a time of their own (borrowed; null: none) ---
  void set_node_times(const NodeTimes* times) noexcept { times_ = times; }
  // After `times` has changed for the node: what was set by its clock before comes when its clock says so now.
  // `before` is how it was.
  void move_timers(std::uint32_t node, const NodeTimes& before);
  // The node is no longer held: everything that came up in the meantime becomes ready.
  void let_go(std::uint32_t node);

 protected:
  // For a driver (production). Its loop: what callbacks from outside have to do, `reap`, `release(real time)`, then `run_one`
  // for each entry of the batch; and again, or it sleeps until `next_timer()` when nothing is ready.
  bool has_dying() const noexcept { return !dying_.empty(); }
  void release(Instant now);  // moves the clock, never back, and makes ready what is due
  void run_one();             // something must be ready
  std::size_t ready_count() const noexcept { return ready_.size(); }
  Instant next_timer() const noexcept { return timers_.empty() ? kNever : timers_.first(); }

 private:
  friend class Wake;

  void make_ready(Wake& wake);
  void set_timer(Wake& wake, Instant when);
  void remove(Wake& wake) noexcept;
  void run_wake(Wake& wake, std::uint32_t choice);
  void hold(Wake& wake);

  Instant now_{};
  std::uint64_t hash_ = kHashSeed;
  std::uint64_t steps_ = 0;
  Context* current_ = nullptr;  // of the coroutine that runs; null between steps
  const NodeTimes* times_ = nullptr;
  FailureHandler* failure_handler_ = nullptr;
  Random random_;
  Order order_;
  Choices* choices_ = nullptr;
  ReadyList ready_;
  TimerHeap timers_;
  ReadyList held_;  // what would have run on nodes that are held
  List dying_;
};

inline bool Executor::step() {
  if (!dying_.empty()) [[unlikely]]
    reap();
  if (ready_.empty()) {
    if (timers_.empty()) return false;
    const Instant when = timers_.first();
    if (when > now_) now_ = when;
    mix(static_cast<std::uint64_t>(when.time_since_epoch().count()));
    Wake& first = timers_.take_first();
    if (!timers_.due(when)) {  // alone: there is no choice to make
      run_wake(first, 0);
      return true;
    }
    ready_.push(first);
    while (timers_.due(when)) ready_.push(timers_.take_first());
  }
  run_one();
  return true;
}

inline void Executor::run_one() {
  if (order_ == Order::kFifo) return run_wake(ready_.take_oldest(), 0);
  const auto size = static_cast<std::uint32_t>(ready_.size());
  std::uint32_t choice = 0;
  if (size > 1 && choices_ != nullptr) [[unlikely]] {
    choice = choices_->choose(size);
  } else if (size > 1) {
    const auto draw = static_cast<std::uint32_t>(random_.next());
    choice = static_cast<std::uint32_t>((std::uint64_t{draw} * size) >> 32);
  }
  run_wake(ready_.take_any(choice), choice);
}

inline void Executor::run_wake(Wake& wake, std::uint32_t choice) {
  if (times_ != nullptr && times_->held(wake.context_->node)) [[unlikely]]
    return hold(wake);
  ++steps_;
  mix((std::uint64_t{wake.context_->node} << 32) | choice);
  current_ = wake.context_;
  if (wake.waiter_) {
    wake.waiter_.resume();
  } else {
    wake.callback_(wake);
  }
  current_ = nullptr;
  if (!dying_.empty()) [[unlikely]]
    reap();
}

inline void Executor::make_ready(Wake& wake) {
  if (wake.where_ == Wake::Where::kHeld) [[unlikely]]
    return;
  if (wake.where_ == Wake::Where::kTimer) timers_.erase(wake.position_);
  ready_.push(wake);
}

inline void Executor::set_timer(Wake& wake, Instant when) {
  if (wake.where_ != Wake::Where::kNowhere) remove(wake);
  if (times_ != nullptr) [[unlikely]]
    when = times_->truth(wake.context_->node, when);
  if (when <= now_) return make_ready(wake);
  if (when == kNever) return;
  timers_.insert(wake, when);
}

inline void Executor::remove(Wake& wake) noexcept {
  if (wake.where_ == Wake::Where::kTimer) {
    timers_.erase(wake.position_);
  } else if (wake.where_ == Wake::Where::kHeld) [[unlikely]] {
    held_.swap_remove(wake.position_);
  } else if (order_ == Order::kSeeded) {
    ready_.swap_remove(wake.position_);
  } else {
    ready_.leave_hole(wake.position_);
  }
}

inline void Wake::ready() {
  if (where_ != Where::kReady) context_->executor->make_ready(*this);
}
inline void Wake::at(Instant when) { context_->executor->set_timer(*this, when); }
inline void Wake::cancel() noexcept {
  if (where_ != Where::kNowhere) context_->executor->remove(*this);
}

}  // namespace reliant

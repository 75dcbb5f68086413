// TaskScope: owns every task that runs beside its owner. Nothing is ever detached: a task runs until it ends,
// its scope is cancelled, or its scope is destroyed.
//
// It runs its children on the executor of its context. `cancel` only marks: the children are destroyed
// between two steps, newest first. The destructor destroys them at once, so it must not run inside one of
// them (it aborts): a child that wants to end its own scope calls `cancel`. Scopes may nest; the executor
// outlives them all.
//
// An exception that leaves a child stops the scope. A joiner that waits at that moment gets it out of `join`; without one
// it goes to the executor's FailureHandler, which ends a process and is a defect in the simulator. A scope that stops never
// runs again: what is spawned then is destroyed unstarted, as everything else in it.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include "base/assert.h"
#include "runtime/context.h"
#include "runtime/executor.h"
#include "runtime/frame_pool.h"
#include "runtime/task.h"
#include "runtime/waiter.h"

namespace reliant {

class TaskScope final : private Reapable {
 public:
  class [[nodiscard]] Join final : private Waiter {
   public:
    explicit Join(TaskScope& scope) noexcept : scope_(scope) {}
    bool await_ready() const noexcept { return scope_.size_ == 0; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      const Context& joiner = *handle.promise().context;
      RELIANT_ASSERT(!scope_.contains(joiner), "a task cannot join the scope that it runs in");
      wait_in(scope_.joiners_, handle);
    }
    void await_resume() {
      if (scope_.error_) std::rethrow_exception(std::exchange(scope_.error_, {}));
    }

   private:
    TaskScope& scope_;
  };

  // A root scope, of a simulated node or of a process.
  TaskScope(Executor& executor, std::uint32_t node) : context_{&executor, nullptr, node} {}
  // Inside of another scope, whose context must outlive this one.
  explicit TaskScope(Context& parent) : context_{parent.executor, &parent, parent.node} {}
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope();

  // The task starts in a later step, unless the scope is stopping.
  void spawn(Task<void> task) { (void)try_spawn(std::move(task)); }
  // For a caller that has to do something else then. False: the scope is stopping, and the task was destroyed unstarted.
  [[nodiscard]] bool try_spawn(Task<void> task) {
    if (stopping_) return false;
    RELIANT_ASSERT(static_cast<bool>(task), "a Task is spawned once");
    auto* child = new Child(*this, std::move(task));
    children_.push_back(*child);
    ++size_;
    child->start.ready();
    return true;
  }

  // Destroys every child where it stands, after the running step and before any other. When called by a
  // child, that child runs on to its next suspension, and ends there. May be called again.
  void cancel() {
    stopping_ = true;
    context_.executor->reap_later(*this);
  }

  // Waits until no child is left; rethrows the first exception that has left one since. Not from inside of the scope.
  Join join() { return Join(*this); }

  std::size_t size() const noexcept { return size_; }  // children that have not been destroyed
  bool stopping() const noexcept { return stopping_; }
  Context& context() noexcept { return context_; }
  Executor& executor() const noexcept { return *context_.executor; }

 private:
  struct Child final : ListNode, Sink {
    Child(TaskScope& owner, Task<void> work) : Sink{&child_ended}, scope(owner), task(std::move(work)) {
      task.attach(owner.context_, this);
      start.bind(owner.context_, task.handle());
    }
    static void* operator new(std::size_t bytes) { return FramePool::allocate(bytes); }
    static void operator delete(void* child, std::size_t bytes) noexcept { FramePool::release(child, bytes); }

    TaskScope& scope;
    Task<void> task;
    Wake start;
  };

  // The frame of a child that ended is still running its last lines: it is freed after the step.
  static std::coroutine_handle<> child_ended(Sink& sink, PromiseBase& promise) noexcept {
    auto& child = static_cast<Child&>(sink);
    TaskScope& scope = child.scope;
    if (promise.error) [[unlikely]]
      scope.child_failed(promise.error);
    child.unlink();
    scope.ended_.push_back(child);
    scope.context_.executor->reap_later(scope);
    return std::noop_coroutine();
  }
  void child_failed(const std::exception_ptr& error) noexcept;
  bool contains(const Context& context) const noexcept;
  void destroy_all(List& children);
  void reap() override;

  Context context_;
  List children_;
  List ended_;
  WaitList joiners_;
  std::size_t size_ = 0;
  bool stopping_ = false;
  bool destroying_ = false;
  std::exception_ptr error_;  // on its way to a joiner
};

}  // namespace reliant

// Matching: the pollers and the tasks that wait for each other. In memory only: every task in it follows from a run's
// committed state, and is checked against that state when a poller takes it, so a stale or doubled one does no harm.
//
// A poller that is destroyed (its caller has gone) never loses a task: what it had been given goes to the next one.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/executor.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "temporal/engine/mutable_state.h"

namespace reliant::temporal::engine {

struct Query;

struct QueueKey {
  std::string ns;
  Dispatch::Kind kind = Dispatch::Kind::kWorkflow;
  bool sticky = false;
  std::string name;
  auto operator<=>(const QueueKey&) const = default;
};

struct MatchTask {
  std::string ns;
  std::string workflow_id;
  std::string run_id;
  Dispatch dispatch;
  std::shared_ptr<Query> query;  // set: only a query, not a task of the run
};

struct Poller {
  std::string identity;
  Instant last_access;
};

class Matching {
  struct Queue;

 public:
  // A task that a poller has taken: goes back to the head of its queue unless `done` was called.
  class Taken {
   public:
    Taken(Taken&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)), task_(std::move(other.task_)), sticky_(other.sticky_) {}
    Taken& operator=(Taken&&) = delete;
    ~Taken();
    const MatchTask& operator*() const { return task_; }
    const MatchTask* operator->() const { return &task_; }
    bool from_sticky() const { return sticky_; }
    void done() { queue_ = nullptr; }

   private:
    friend class Matching;
    Taken(Queue& queue, MatchTask task, bool sticky) : queue_(&queue), task_(std::move(task)), sticky_(sticky) {}
    Queue* queue_;
    MatchTask task_;
    bool sticky_;
  };

  explicit Matching(Executor& executor) : executor_(executor) {}

  // To the sticky queue while somebody polls it, else to the normal one.
  void add(MatchTask task);
  // The next task of a queue. Nullopt: `deadline` came first, or after a call of `stop_worker` for `worker`.
  Task<std::optional<Taken>> take(QueueKey key, std::string worker, std::string identity, Instant deadline);
  bool has_poller(const QueueKey& key) const;
  // The pollers of the last five minutes, and the number of waiting tasks.
  std::vector<Poller> pollers(const QueueKey& key) const;
  std::size_t backlog(const QueueKey& key) const;

  // Ends the polls of one worker, and hands on what waits for its sticky queue.
  void stop_worker(std::string_view worker, const QueueKey& sticky_queue);

 private:
  class Poll;
  struct Queue {
    std::deque<MatchTask> tasks;
    std::map<std::uint64_t, Poll*> pollers;  // in the order in which they came
    std::size_t claims = 0;                  // tasks promised to pollers that have not run yet
    std::uint64_t next_poller = 0;
    std::optional<Instant> last_poll;
    std::map<std::string, Instant> seen;  // by identity

    std::size_t unclaimed() const { return tasks.size() - claims; }
    void grant();
  };
  class [[nodiscard]] Poll {
   public:
    Poll(Queue& queue, std::string_view worker, Instant deadline) : queue_(queue), worker_(worker), deadline_(deadline) {}
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;
    ~Poll() { leave(); }
    bool await_ready() const noexcept { return queue_.unclaimed() > 0; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      wake_.bind(*handle.promise().context, handle);
      id_ = queue_.next_poller++;
      queue_.pollers.emplace(id_, this);
      waiting_ = true;
      if (deadline_ != kNever) wake_.at(deadline_);
    }
    std::optional<MatchTask> await_resume();

   private:
    friend struct Queue;
    friend class Matching;
    void leave();
    Queue& queue_;
    std::string_view worker_;
    Instant deadline_;
    Wake wake_;
    std::uint64_t id_ = 0;
    bool waiting_ = false;
    bool claimed_ = false;
  };

  Queue& queue(const QueueKey& key);
  void note_poller(Queue& queue, const std::string& identity) const;

  Executor& executor_;
  std::map<QueueKey, std::unique_ptr<Queue>> queues_;
};

}  // namespace reliant::temporal::engine

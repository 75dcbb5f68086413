// ActivityTasks: the half of a worker that runs activities. Beside each runs its supervisor, which
// heartbeats, learns of a cancellation or of the loss of the attempt, and ends an activity that does not end
// by itself within its grace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ports/temporal.h"
#include "runtime/one_shot.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "temporal/activity.h"
#include "temporal/poller.h"

namespace reliant::temporal {

using ActivityRegistry = std::map<std::string, ActivityFunction, std::less<>>;

class ActivityTasks {
 public:
  using Polled = ports::wf::PollActivityTaskQueueResponse;

  // All outlive it. Activities run in `tasks`.
  ActivityTasks(WorkerCore& core, const ActivityRegistry& registry, TaskScope& tasks);

  Task<void> poll();
  void take(Polled task, Slot slot);
  // For an activity of this type, which is to be taken without a poll. Nullopt: it is not known, or none is
  // free.
  std::optional<Slot> try_reserve(std::string_view type);
  // Tells every running activity that the worker stops; what has not ended at `deadline` is destroyed.
  void shut_down(Instant deadline);

  std::size_t running() const { return running_.size(); }
  // Slots taken: by what runs, by what is about to, and by polls.
  std::size_t taken() const { return slots_.used(); }
  // Heartbeats under way; that of an activity which has ended is let end, too.
  std::size_t beats() const { return beats_; }

 private:
  class Running;
  using Beat = OneShot<Result<ports::wf::RecordActivityTaskHeartbeatResponse>>;

  Task<void> work(Polled task, Slot slot);
  Task<Result<std::string>> call(Running& running, std::string input);
  // Ends when the activity is to be destroyed.
  Task<void> supervise(Running& running);
  Task<void> heartbeat(Running& running);
  Task<void> send(std::shared_ptr<Beat> beat, ports::wf::RecordActivityTaskHeartbeatRequest request, Instant deadline);
  Task<void> grace(Running& running);
  Task<void> report(const Running& running, Result<std::string> outcome);

  WorkerCore& core_;
  const ActivityRegistry& registry_;
  TaskScope& tasks_;
  Semaphore slots_;
  std::uint64_t count_ = 0;
  std::size_t beats_ = 0;
  std::map<std::uint64_t, Running*> running_;
};

}  // namespace reliant::temporal

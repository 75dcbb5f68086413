// Tasks that run beside the test. Started<T>: one with a value, and `await`, which runs the world until it has ended.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/task.h"

namespace reliant::tests {

// Destroying it destroys the task.
template <class T>
class Started {
 public:
  Started(Context& parent, Task<T> task) : scope_(parent) { scope_.spawn(run(std::move(task), value_)); }
  bool ended() const { return value_.has_value(); }
  T take() { return *std::exchange(value_, std::nullopt); }

 private:
  static Task<void> run(Task<T> task, std::optional<T>& value) { value.emplace(co_await std::move(task)); }

  std::optional<T> value_;
  TaskScope scope_;
};

// `task`, then says that it has ended: for who runs a world until then.
inline Task<void> marked(Task<void> task, bool& ended) {
  co_await std::move(task);
  ended = true;
}

template <class T>
T await(Executor& executor, Started<T>& started, Duration limit = std::chrono::minutes(10)) {
  const Instant last = executor.now() + limit;
  while (!started.ended() && executor.next_event() <= last && executor.step()) {}
  RELIANT_ASSERT(started.ended(), "a task that a test waits for did not end");
  return started.take();
}

}  // namespace reliant::tests

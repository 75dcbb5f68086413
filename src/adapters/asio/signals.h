// Signals: waits for signals of the operating system (SIGINT, SIGTERM and SIGHUP, to stop a program in order).
//
// From its construction to its destruction the signals are not deadly; each one is kept until somebody takes it.
// Owner: the composition root. Executor: the logic thread. One object a signal number in a process.
#pragma once

#include <memory>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::adapters {

class Signals final {
 public:
  // SIGINT and SIGTERM, and SIGHUP unless it is ignored (nohup).
  explicit Signals(AsioExecutor& executor);
  Signals(AsioExecutor& executor, const std::vector<int>& numbers);
  ~Signals();

  // The number of the next signal. Cancel-safe.
  Task<int> next();

 private:
  struct State;
  static void wait(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace reliant::adapters

// FailureHandler: what becomes of an exception that leaves a task which no joiner waits for, or a callback of the executor.
// Nothing can go on as if it had not happened: the other tasks of the scope are destroyed with the one that failed. So a
// process ends with a message (app/server_process.h), and in the simulator the run has found a defect. An executor without a
// handler writes the message to stderr and aborts.
//
// Owner: the executor's owner; it outlives the executor's scopes. Executor: the one that it is set on; called within
// the step that failed.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

namespace reliant {

class FailureHandler {
 public:
  // `node` is the simulated process; 0 outside of the simulator.
  virtual void uncaught(std::uint32_t node, const std::exception_ptr& error) noexcept = 0;

 protected:
  ~FailureHandler() = default;
};

// Keeps the first failure for an owner that looks at it between two runs of the executor.
class FirstFailure final : public FailureHandler {
 public:
  void uncaught(std::uint32_t node, const std::exception_ptr& error) noexcept override {
    if (error_) return;
    error_ = error;
    node_ = node;
  }
  const std::exception_ptr& error() const noexcept { return error_; }  // null: none
  std::uint32_t node() const noexcept { return node_; }

 private:
  std::exception_ptr error_;
  std::uint32_t node_ = 0;
};

// The exception's own message, for a log.
std::string what_of(const std::exception_ptr& error);

}  // namespace reliant

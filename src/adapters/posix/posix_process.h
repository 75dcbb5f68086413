// PosixProcesses: child processes by vfork (adapters/process_launch.h), waited for by pidfd: no fork (it copies page tables), no
// SIGCHLD handler (it belongs to the whole process), no thread. Each child leads a session of its own, so a
// signal reaches its group.
//
// Output is read only when somebody reads: the pipe's 64 KiB are the whole buffer, a slow reader slows the
// child down, and a destroyed reader loses nothing. The child stays a zombie until its Process is destroyed,
// so that its number, which is the group's, cannot be given to a stranger. Standard input is a file in
// memory, so that no task has to feed a pipe.
//
// Owner: the composition root. Executor: the logic thread. R7, DESIGN "Cancellation kills
// the group".
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "adapters/posix/process_cgroups.h"
#include "adapters/posix/process_start.h"
#include "ports/process.h"

namespace reliant::adapters {

class PosixProcesses final : public ports::Processes {
 public:
  // How long a grandchild that holds a pipe open is listened to after the child itself has exited.
  static constexpr Duration kGrace = std::chrono::milliseconds(200);

  // `environment` ("NAME=value") is what every child inherits: the caller leaves out what no child should
  // see. `inherited`: its umask and its file limit; without it those that this process has.
  PosixProcesses(AsioExecutor& executor, std::vector<std::string> environment,
                 std::optional<Inherited> inherited = std::nullopt, Duration grace = kGrace)
      : executor_(executor), environment_(std::move(environment)), inherited_(inherited), grace_(grace) {}

  // From now on each child whose environment has `variable` is in the cgroup of its value.
  void use_cgroups(ProcessCgroups cgroups, std::string variable) {
    cgroups_ = std::move(cgroups);
    cgroup_variable_ = std::move(variable);
  }

  Task<Result<std::unique_ptr<ports::Process>>> spawn(ports::ProcessSpec spec) override;
  // By /proc, where a process that has cleared its environment and left its group is not found, and by its cgroup, where it is.
  Task<Result<std::set<std::string>>> kill_by_environment(std::string name, std::set<std::string> values,
                                                          Instant deadline) override;

 private:
  AsioExecutor& executor_;
  std::vector<std::string> environment_;
  std::optional<Inherited> inherited_;
  Duration grace_;
  std::optional<ProcessCgroups> cgroups_;
  std::string cgroup_variable_;
};

}  // namespace reliant::adapters

// Starts one program as the leader of a session of its own, with three descriptors and nothing else of this process: signals have
// their default dispositions, umask and file limit are those that this process was given itself.
//
// By vfork, as posix_spawn does it, which knows neither umask nor limits: nothing is copied, and between the two the child makes
// system calls only. Only included by adapters. Executor: the logic thread, which waits until the program has been loaded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "adapters/posix/process_start.h"
#include "base/status.h"

namespace reliant::adapters {

struct Launch {
  std::vector<std::string> argv;         // the first is looked up in our PATH
  std::vector<std::string> environment;  // "NAME=value"
  std::string working_directory;         // "": ours
  std::optional<Inherited> inherited;    // nothing: as this process has it
  int cgroup = -1;                       // the folder of its cgroup; -1: ours
  int in = -1;
  int out = -1;
  int err = -1;
};

// The number of the child, to be waited for. NOT_FOUND, PERMISSION_DENIED, …: the program cannot be started.
Result<pid_t> launch(Launch what);

}  // namespace reliant::adapters

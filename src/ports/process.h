// Process: child processes on the machine the daemon runs on. Each child leads a session and process group of its own, so
// that a signal reaches everything it started.
//
// Owner: Processes by the composition root, a Process by the tool run. Executor: the logic thread. Destroying a Process
// that still runs kills its group (KILL) and reaps it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

struct ProcessSpec {
  std::vector<std::string> argv;                   // argv[0] is looked up in PATH
  std::string working_directory;                   // "" = inherited
  std::map<std::string, std::string> environment;  // added to the inherited one
  std::string standard_input;                      // written, then closed
};

struct ProcessOutput {
  enum class Stream : std::uint8_t { kStdout, kStderr };
  Stream stream = Stream::kStdout;
  std::string bytes;
};

struct ExitStatus {
  std::int32_t code = 0;    // exit code when signal == 0
  std::int32_t signal = 0;  // the signal that ended it, or 0
};

enum class ProcessSignal : std::uint8_t { kInterrupt, kTerminate, kKill };

class Process {
 public:
  virtual ~Process() = default;
  virtual std::int64_t pid() const = 0;
  // What the child wrote, in order within each stream; nullopt when both are at their end, or when the child has exited
  // and a grandchild keeps a pipe open for longer than a short grace. Reading slowly slows the child down.
  virtual Task<Result<std::optional<ProcessOutput>>> read(Instant deadline) = 0;
  // Waits for the exit; may be called before all output was read. DEADLINE_EXCEEDED: still running.
  virtual Task<Result<ExitStatus>> wait(Instant deadline) = 0;
  // To the whole group. NOT_FOUND: nothing is left of it.
  virtual Status signal(ProcessSignal signal) = 0;
};

class Processes {
 public:
  virtual ~Processes() = default;
  // NOT_FOUND: no such program or working directory; PERMISSION_DENIED: not executable.
  virtual Task<Result<std::unique_ptr<Process>>> spawn(ProcessSpec spec) = 0;
  // Kills (KILL) the processes of this machine that were started with one of `values` in the environment variable `name`,
  // by any parent, and with each the process group that it leads. For processes without a Process object: those of an
  // earlier incarnation that was killed, or children that have left their group. OK: the values of which something was found;
  // none of it runs any more. DEADLINE_EXCEEDED: some of it still does. Processes of other users are neither seen nor killed.
  virtual Task<Result<std::set<std::string>>> kill_by_environment(std::string name, std::set<std::string> values,
                                                                  Instant deadline) = 0;
};

}  // namespace reliant::ports

// ProcessCgroups: a cgroup (version 2, cgroups(7)) for the processes of one mark, a tool's request id. Killing it reaches all of
// them, also one that has cleared its environment, left its process group and been adopted by init.
//
// They are folders below this process's own cgroup: <own>/reliant-tools/<mark>. Many machines give a process none to write to
// (containers, logins without systemd): open() then answers nothing, and process groups and the environment remain
// (ports/process.h). A cgroup outlives this process; the next one of the same service finds it by its mark.
//
// Owner: PosixProcesses. Executor: the logic thread. The files are the kernel's, in memory: no call waits for a disk.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "adapters/posix/unique_fd.h"

namespace reliant::adapters {

class ProcessCgroups {
 public:
  // Of this process, by /proc/self. nullopt: there is none that it may make folders in, or the kernel cannot kill one (before
  // Linux 5.14).
  static std::optional<ProcessCgroups> open();
  explicit ProcessCgroups(std::string folder);  // made already; not to be shared with another object

  // The folder of the cgroup, for a process that begins in it (CLONE_INTO_CGROUP). Invalid: the mark is no name of a file, or
  // the kernel refuses.
  UniqueFd enter(const std::string& mark);
  // Kills (KILL) all that is in it. False: nothing runs in it any more, and it is gone.
  bool kill(const std::string& mark);

 private:
  std::string path_of(const std::string& mark) const;
  void remove_empty();

  std::string folder_;
  std::set<std::string> marks_;  // of the cgroups that there are
};

}  // namespace reliant::adapters

// SimFilesystem: the files of a simulated machine, and SimDisk, which holds them and outlives the node's
// crashes.
//
// Fault atlas
//   latency        every operation takes a while, so a crash can fall before or after its effect, never into it:
//                  a write is atomic and durable, as the port promises; a half-written file would be a lie
//   I/O error      UNAVAILABLE before the effect: disks fail, and a journal that ignores it loses results
//   disk full      RESOURCE_EXHAUSTED beyond the capacity: users fill disks, and the daemon must report it
// Not modelled: lost fsyncs, permissions, symbolic links (the real adapter has tests of its own for those).
//
// Owner: SimDisk by the world, SimFilesystem by one incarnation of a node. Executor: the simulation's.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ports/closed_paths.h"
#include "ports/filesystem.h"
#include "runtime/random.h"

namespace reliant::sim {

// All at once and without faults; the names and errors are those of ports::Filesystem.
class SimDisk {
 public:
  Result<std::string> read(const std::string& path, std::size_t limit) const;
  Status write(const std::string& path, std::string content, WallTime now);
  Result<ports::FileInfo> info(const std::string& path) const;
  Result<std::vector<ports::DirectoryEntry>> list(const std::string& path) const;
  Status make_directories(const std::string& path);
  Status remove(const std::string& path);
  Status rename(const std::string& from, const std::string& to);
  // Without "." and "..", which must not leave what exists.
  Result<std::string> canonical(const std::string& path) const;

  // The normal form of an absolute path, whether it exists or not.
  static Result<std::string> normal(const std::string& path);

  // For oracles. Nullptr: there is no such file.
  const std::string* content(const std::string& path) const;
  std::uint64_t used() const { return used_; }  // bytes
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }

 private:
  struct File {
    std::string content;
    WallTime modified;
  };
  Status parent_must_be_directory(const std::string& path) const;
  Status missing(const std::string& path) const;

  std::map<std::string, File> files_;
  std::set<std::string> directories_{"/"};
  std::uint64_t used_ = 0;
  std::uint64_t capacity_ = std::numeric_limits<std::uint64_t>::max();
};

struct SimDiskFaults {
  Duration latency = std::chrono::microseconds(100);  // at most; drawn for every operation
  std::uint32_t errors_per_million = 0;               // operations that fail with UNAVAILABLE
};

class SimFilesystem final : public ports::Filesystem {
 public:
  // `faults` is read at every operation: its owner may change it during the run.
  SimFilesystem(SimDisk& disk, const SimDiskFaults& faults, Random random) : disk_(disk), faults_(faults), random_(random) {}

  // As PosixFilesystem::close_paths.
  void close_paths(const std::vector<std::string>& paths);

  Task<Result<std::string>> read(std::string path, std::size_t limit) override;
  Task<Status> write(std::string path, std::string content, std::uint32_t mode) override;
  Task<Result<ports::FileInfo>> info(std::string path) override;
  Task<Result<std::vector<ports::DirectoryEntry>>> list(std::string path) override;
  Task<Status> make_directories(std::string path) override;
  Task<Status> remove(std::string path) override;
  Task<Status> rename(std::string from, std::string to) override;
  Task<Result<std::string>> canonical(std::string path) override;

 private:
  Task<Status> reach_disk();
  // Reaches the disk, and the path is not closed.
  Task<Status> reach(std::string path);

  SimDisk& disk_;
  const SimDiskFaults& faults_;
  Random random_;
  ports::ClosedPaths closed_;
};

}  // namespace reliant::sim

// Filesystem: the files of the machine the daemon (or the monolith) runs on. Paths are absolute, "/"-separated UTF-8.
//
// Owner: the composition root. Executor: the logic thread. Errors: NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED,
// FAILED_PRECONDITION (a directory where a file is wanted or the other way round, not empty), RESOURCE_EXHAUSTED (disk
// full, or larger than the limit), INVALID_ARGUMENT (relative path), UNAVAILABLE (I/O error), DEADLINE_EXCEEDED (the file
// system hangs; whether a change was or will be made is not known).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

struct FileInfo {
  enum class Kind : std::uint8_t { kFile, kDirectory, kOther };
  Kind kind = Kind::kFile;
  std::uint64_t size = 0;  // bytes
  WallTime modified;
};

struct DirectoryEntry {
  std::string name;
  FileInfo::Kind kind = FileInfo::Kind::kFile;
};

class Filesystem {
 public:
  virtual ~Filesystem() = default;
  // RESOURCE_EXHAUSTED when the file is larger than `limit` bytes.
  virtual Task<Result<std::string>> read(std::string path, std::size_t limit) = 0;
  // Atomic and durable: readers see the old or the new content, also after a crash. `mode` is the permission of a new
  // file (0600 for secrets); an existing file keeps its own. The directory must exist.
  virtual Task<Status> write(std::string path, std::string content, std::uint32_t mode) = 0;
  virtual Task<Result<FileInfo>> info(std::string path) = 0;
  // Sorted by name; symbolic links to directories are listed as kOther.
  virtual Task<Result<std::vector<DirectoryEntry>>> list(std::string path) = 0;
  virtual Task<Status> make_directories(std::string path) = 0;        // OK when it exists already
  virtual Task<Status> remove(std::string path) = 0;                  // a file or an empty directory
  virtual Task<Status> rename(std::string from, std::string to) = 0;  // replaces a file
  // The real path, symbolic links resolved.
  virtual Task<Result<std::string>> canonical(std::string path) = 0;
};

}  // namespace reliant::ports

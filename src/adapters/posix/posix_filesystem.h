// PosixFilesystem: the real files. A disk may take its time (fsync above all), and a network file system
// may hang, so calls run on threads (adapters/file_threads.h): those of one path in order, each for 30 s at most
// (DEADLINE_EXCEEDED). Only a small file that the kernel has in its memory is read at once, if no call of its path is under
// way: the change of threads would take longer.
//
// A write goes to a temporary file beside the target, is flushed, renamed over it, and the directory is
// flushed: a crash leaves the old or the new content. Symbolic links are followed, so a link stays one.
//
// Owner: the composition root; destroy it after everything that uses it. Executor: the logic thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "adapters/posix/file_threads.h"
#include "adapters/posix/process_start.h"
#include "ports/closed_paths.h"
#include "ports/filesystem.h"

namespace reliant::adapters {

class PosixFilesystem final : public ports::Filesystem {
 public:
  // `inherited`: whose umask the directories get that are made here; without it that of this process. Files get the mode that
  // write() is given.
  explicit PosixFilesystem(AsioExecutor& executor, std::optional<Inherited> inherited = std::nullopt)
      : inherited_(inherited), threads_(executor) {}

  // From now on these files and directories are refused, whatever name or symbolic link leads there: PERMISSION_DENIED. They
  // need not exist yet. No protection against other processes of the same user, which can open or link them.
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
  std::optional<Inherited> inherited_;
  std::shared_ptr<const ports::ClosedPaths> closed_ = std::make_shared<const ports::ClosedPaths>();
  FileThreads threads_;
};

}  // namespace reliant::adapters

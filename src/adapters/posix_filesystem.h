// PosixFilesystem: the real files. A disk may take its time (fsync above all), so calls run on one worker
// thread and come back to the logic thread. One thread and not several: what was asked for first happens
// first, also when whoever asked has been destroyed meanwhile. Only a small file that the kernel has in its
// memory is read at once, if nothing else is under way: the turn of the thread would take longer.
//
// A write goes to a temporary file beside the target, is flushed, renamed over it, and the directory is
// flushed: a crash leaves the old or the new content. Symbolic links are followed, so a link stays one.
//
// Owner: the composition root; destroy it after everything that uses it. Executor: the logic thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "adapters/asio_executor.h"
#include "adapters/process_start.h"
#include "ports/filesystem.h"

namespace boost::asio {
class thread_pool;
}

namespace reliant::adapters {

class PosixFilesystem final : public ports::Filesystem {
 public:
  // `inherited`: whose umask the directories get that are made here; without it that of this process. Files get the mode that
  // write() is given.
  explicit PosixFilesystem(AsioExecutor& executor, std::optional<Inherited> inherited = std::nullopt);
  ~PosixFilesystem() override;

  Task<Result<std::string>> read(std::string path, std::size_t limit) override;
  Task<Status> write(std::string path, std::string content, std::uint32_t mode) override;
  Task<Result<ports::FileInfo>> info(std::string path) override;
  Task<Result<std::vector<ports::DirectoryEntry>>> list(std::string path) override;
  Task<Status> make_directories(std::string path) override;
  Task<Status> remove(std::string path) override;
  Task<Status> rename(std::string from, std::string to) override;
  Task<Result<std::string>> canonical(std::string path) override;

 private:
  template <class T>
  Task<T> off_thread(std::function<T()> work);

  AsioExecutor& executor_;
  std::optional<Inherited> inherited_;
  std::shared_ptr<std::size_t> under_way_ = std::make_shared<std::size_t>(0);  // calls, on the thread
  std::unique_ptr<boost::asio::thread_pool> thread_;
};

}  // namespace reliant::adapters

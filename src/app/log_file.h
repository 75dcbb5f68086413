// LogFile: where the event log of a server goes: a file that is added to, or the standard error. A file that has reached its size
// becomes FILE.1 while the process runs, FILE.1 becomes FILE.2, and so on; the oldest one is removed.
//
// Owner: the composition root. Executor: the logic thread. A line that cannot be written is lost: a log is no reason to stop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/posix/json_event_log.h"
#include "adapters/posix/unique_fd.h"
#include "base/status.h"

namespace reliant::app {

struct LogRotation {
  std::uint64_t largest = 64 * 1024 * 1024;  // bytes of one file
  std::size_t files = 5;                     // with the one that is written, 2 at least
};

class LogFile final : public adapters::LogSink {
 public:
  // "-": the standard error, which is never rotated. INVALID_ARGUMENT (field --log-file): it cannot be written.
  static Result<LogFile> open(std::string path, LogRotation rotation = {});

  void write(std::string_view line) override;

 private:
  LogFile(std::string path, LogRotation rotation) : path_(std::move(path)), rotation_(rotation) {}
  Status open_again();
  void rotate();

  std::string path_;
  LogRotation rotation_;
  adapters::UniqueFd file_;  // none: the standard error
  std::uint64_t size_ = 0;
};

}  // namespace reliant::app

#include "app/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "adapters/posix/posix_error.h"
#include "base/text.h"

namespace reliant::app {

Result<LogFile> LogFile::open(std::string path, LogRotation rotation) {
  LogFile file(std::move(path), rotation);
  if (file.path_ != "-") TRY_OK(file.open_again());
  return file;
}

Status LogFile::open_again() {
  adapters::UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) {
    return invalid_field("--log-file", concat("cannot write the log ", path_, ": ", std::strerror(errno),
                                              "; choose another one with --log-file"));
  }
  file_ = std::move(file);
  size_ = static_cast<std::uint64_t>(info.st_size);
  return ok_status();
}

void LogFile::write(std::string_view line) {
  if (file_ && size_ > 0 && size_ + line.size() > rotation_.largest) rotate();
  adapters::write_all(file_ ? file_.get() : STDERR_FILENO, line, "the log").IgnoreError();
  size_ += line.size();
}

// A directory that does not let us rename leaves one file, which goes on: it is tried again after as many bytes.
void LogFile::rotate() {
  const auto name = [this](std::size_t number) { return number == 0 ? path_ : concat(path_, ".", number); };
  for (std::size_t number = rotation_.files - 1; number > 0; --number)
    (void)std::rename(name(number - 1).c_str(), name(number).c_str());
  open_again().IgnoreError();
  if (size_ > rotation_.largest) size_ = 0;
}

}  // namespace reliant::app

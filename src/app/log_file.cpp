#include "app/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace reliant::app {
namespace {

constexpr off_t kLarge = 16 * 1024 * 1024;

}  // namespace

Result<LogFile> LogFile::open(const std::string& path) {
  if (path == "-") return LogFile(stderr);
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && info.st_size > kLarge)
    std::rename(path.c_str(), (path + ".old").c_str());
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return invalid_field("--log-file", concat("cannot write the log ", path, ": ", std::strerror(errno),
                                              "; choose another one with --log-file"));
  }
  std::FILE* const file = ::fdopen(descriptor, "a");
  if (file != nullptr) return LogFile(file);
  ::close(descriptor);
  return internal_error("cannot open the log ", path, " as a stream");
}

}  // namespace reliant::app
